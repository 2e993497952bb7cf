// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageStore
import LinuxPlatform
import SystemPackage

/// Gets ACIs into the store: from files, from URLs, and by name, with what they depend on.
package struct Fetcher: Sendable {
    let web: WebAccess
    let store: ImageStore
    /// Nil when images need no signature.
    let verifier: (any ImageVerifier)?
    let policy: PullPolicy
    let progress: Progress?
    /// Gets what a user should be told in any case.
    let tell: @Sendable (String) -> Void

    package init(
        _ store: ImageStore, web: WebAccess, verifier: (any ImageVerifier)?, policy: PullPolicy,
        progress: Progress? = nil, tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.tell = tell
        self.web = web
        self.store = store
        self.verifier = verifier
        self.policy = policy
        self.progress = progress
    }

    /// The image at a URL.
    ///
    /// - Parameter signature: a file with its signature, in place of what lies beside the image.
    package func image(url: String, signature: FilePath? = nil) throws -> StoredImage {
        try Fetcher.wrapping("url", url) {
            if policy != .update {
                let point = DistributionPoint.archive(url: url).canonical
                if let known = try store.image(from: point)?.image {
                    web.note("using image from local store for url \(url)")
                    return known
                }
                guard policy == .new else { throw Fetcher.absent("url \(url)") }
            }
            let source = signature.map { ArchiveRequest.Signature.file($0) } ?? .url(Fetcher.signatureURL(url))
            return try archives([ArchiveRequest(url: url, signature: source)])[0].get()
        }
    }

    /// The image with a name.
    ///
    /// - Parameter text: the name as it was given.
    package func image(name text: String, signature: FilePath? = nil) throws -> StoredImage {
        try Fetcher.wrapping("image name", text) {
            let name: ImageName
            do throws(ScalarError) {
                name = try ImageName(parsing: text)
            } catch {
                throw RuntimeError(.invalidArgument, "\(error)")
            }
            if policy != .update {
                if let known = try store.image(named: name) {
                    web.note("using image from local store for image name \(text)")
                    return known
                }
                guard policy == .new else { throw Fetcher.absent(name.description) }
            }
            web.note("searching for app image \(text)")
            var request = try discover(name, Discovery(web).images(for: Fetcher.withPlatform(name)))
            if let signature { request = request.with(signature: signature) }
            return try archives([request])[0].get()
        }
    }

    /// The image in a file, which is read anew each time.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - isTrusted: whether its place vouches for it, as it does for installed stage1 images.
    ///   - reusingUnchanged: skip reading a trusted file that is as it was at the last import.
    package func image(
        file path: FilePath, signature: FilePath? = nil, isTrusted: Bool = false, reusingUnchanged: Bool = false
    ) throws -> StoredImage {
        web.note("using image from file \(path)")
        let needsSignature = !isTrusted && verifier != nil
        let image: StoredImage
        if needsSignature {
            let file: FileDescriptor
            do {
                file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            } catch let error as Errno {
                throw RuntimeError.systemCall("open", path, error)
            }
            defer { try? file.close() }
            guard try FileSystem.status(of: file).type == .regular else {
                throw RuntimeError(.invalidArgument, "\(path) is not a file: its signature cannot be checked")
            }
            // It is checked before the image is read.
            let bytes: [UInt8]
            do {
                bytes = try ArchiveFetch.signature(in: signature ?? FilePath(path.string + ".asc"))
            } catch {
                throw RuntimeError(
                    .untrusted,
                    "image \"\(path)\" has no signature that can be verified; put one beside it, name one with "
                        + "--signature, or use --insecure-options=image",
                    cause: error)
            }
            image = try SignedImport(store: store, verifier: verifier, note: web.note, tell: tell).image(
                from: file, name: path.string
            ) { bytes }
        } else {
            if !isTrusted { tell(Fetcher.unverifiedWarning) }
            image = try store.importImage(at: path, reusingUnchanged: reusingUnchanged)
            try store.note(isTrusted ? StoredSignature.unsigned : .skipped, of: image)
        }
        if !reusingUnchanged {
            let point = DistributionPoint.archive(url: "file://\(path.lexicallyNormalized())")
            try store.note(StoredOrigin(point: point.canonical, checked: Time.now()), of: image)
        }
        return image
    }

    // MARK: - Parts

    func archives(_ requests: [ArchiveRequest]) -> [Result<StoredImage, any Error>] {
        ArchiveFetch(web: web, store: store, verifier: verifier, progress: progress, tell: tell).images(requests)
    }

    /// What to get from the places that discovery found, the first of them first.
    func discover(_ name: ImageName, _ places: [ImageEndpoint]) throws -> ArchiveRequest {
        guard let place = places.first else {
            throw RuntimeError(.notFound, "discovery failed for \"\(name)\"")
        }
        var request = ArchiveRequest(url: place.image, signature: .url(place.signature))
        request.demand = ImageDemand(name: name)
        request.isLatest = name.version == nil
        // A page may name any number of them.
        request.alternatives = Array(places.dropFirst().filter(isAllowed).prefix(Fetcher.placeLimit - 1))
        return request
    }

    /// Whether a place may be asked at all.
    private func isAllowed(_ place: ImageEndpoint) -> Bool {
        web.allowsPlainHTTP || WebAddress(place.image)?.scheme == "https"
    }

    /// The most places that are asked for one image.
    private static let placeLimit = 8

    /// The name with this host's platform where it leaves that open.
    static func withPlatform(_ name: ImageName) throws -> ImageName {
        var labels = name.labels
        if labels["os"] == nil { labels.set("os", Platform.operatingSystem) }
        if labels["arch"] == nil { labels.set("arch", Platform.architecture) }
        do throws(ScalarError) {
            try Platform.check(labels)
        } catch {
            throw RuntimeError(.invalidArgument, "\(error)")
        }
        return ImageName(name: name.name, labels: labels)
    }

    /// The URL of the signature that belongs to an image's URL.
    static func signatureURL(_ url: String) -> String {
        guard let query = url.firstIndex(of: "?") else { return url + ".asc" }
        return url[..<query] + ".asc" + url[query...]
    }

    /// What users are told when nobody vouches for an image.
    static let unverifiedWarning = "warning: image signature verification has been disabled"

    static func absent(_ what: String) -> RuntimeError {
        RuntimeError(.notFound, "\(what) is not in the store, and --pull-policy=never keeps it from being fetched")
    }

    static func wrapping<Value>(_ kind: String, _ given: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            let code = (error as? RuntimeError)?.code ?? .internal
            throw RuntimeError(code, "unable to fetch image from \(kind) \"\(given)\"", cause: error)
        }
    }
}
