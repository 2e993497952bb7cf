// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport
import HostConfiguration
import ImageFetch
import ImageStore
import LinuxPlatform
import SystemPackage

/// Finds the image that an argument names: in the store, in files, and on the network.
struct ImageFinder {
    let settings: Settings
    let notices: Notices
    let store: ImageStore
    let policy: PullPolicy
    let progress: Progress?
    let transport: any HTTPTransport

    /// The image for an argument of `fetch`, `run` or `prepare`, with everything it depends on.
    ///
    /// - Parameter signature: a detached signature file named by the user.
    func find(_ argument: String, signature: String? = nil) throws -> StoredImage {
        let reference = try ImageReference(interpreting: argument)
        let image = try find(reference, signature: signature.map { FilePath($0) })
        // Most images depend on none, and then nothing of the configuration is needed.
        if !(try store.manifest(of: image).dependencies.isEmpty) {
            try fetcher(isOnline: true).fetchDependencies(of: image)
        }
        return image
    }

    /// An image without what it depends on.
    func find(_ reference: ImageReference, signature: FilePath? = nil) throws -> StoredImage {
        if let signature { try ImageFinder.checkUse(of: signature, for: reference) }
        warnOfServers(reference)
        switch reference {
        case .hash(let hash): return try find(hash: hash)
        case .file(let path): return try importFile(path, isTrusted: false, signature: signature)
        case .url(let url): return try fetcher(isOnline: true).image(url: url, signature: signature)
        case .name(let name): return try find(name: name, signature: signature)
        case .docker(let name):
            let logins = try HostConfiguration(reading: settings.configuration, [DockerAuthConfiguration.self])[
                DockerAuthConfiguration.self]
            return try fetcher(isOnline: false).image(docker: name, logins: logins)
        case .layout(let path, let reference):
            return try fetcher(isOnline: false).image(
                layout: ImageFinder.absolute(path).lexicallyNormalized(), reference: reference)
        }
    }

    /// Tells that servers may be impostors or overheard, where one may be asked.
    private func warnOfServers(_ reference: ImageReference) {
        guard policy != .never else { return }
        switch reference {
        case .url, .name, .docker:
            notices.warnOfServers(
                "image", allowsPlainHTTP: settings.insecure.contains(.http),
                verifiesServer: !settings.insecure.contains(.tls))
        case .hash, .file, .layout: return
        }
    }

    /// Refuses a signature that would not be looked at.
    private static func checkUse(of signature: FilePath, for reference: ImageReference) throws {
        switch reference {
        case .file, .url, .name: return
        case .hash(let hash):
            throw RuntimeError(
                .invalidArgument,
                "image \"\(hash)\" is in the store already: signature \"\(signature)\" cannot be verified; "
                    + "name the image's file to verify it")
        case .docker(let name):
            throw RuntimeError(
                .invalidArgument,
                "signature \"\(signature)\" cannot be used: image \"docker://\(name)\" comes from a registry")
        case .layout(let path, _):
            throw RuntimeError(
                .invalidArgument, "signature \"\(signature)\" cannot be used: \"\(path)\" is an OCI layout")
        }
    }

    /// The image for an argument of a subcommand of `image`: only the store is searched.
    func findStored(_ argument: String) throws -> StoredImage {
        let reference = try ImageReference(interpreting: argument)
        switch reference {
        case .hash(let hash): return try find(hash: hash)
        case .name(let name):
            let wanted = try ImageName(parsing: name)
            if let image = try store.image(named: wanted) { return image }
            throw ImageFinder.notInStore(wanted)
        case .url, .docker, .layout:
            let here = FilePath(try FileSystem.readSymbolicLink("/proc/self/cwd"))
            if let point = try DistributionPoint(reference, in: here),
                let known = try store.image(from: point.canonical)
            {
                return known.image
            }
            throw RuntimeError(.notFound, "no image in the store came from \"\(argument)\"")
        case .file(let path):
            // A name may look like a path, or a file may happen to have the name of an image.
            if let wanted = try? ImageName(parsing: path.string), let image = try store.image(named: wanted) {
                return image
            }
            throw RuntimeError(.notFound, "\"\(path)\" is a file; name an image in the store by its ID or name")
        }
    }

    static func notInStore(_ name: ImageName) -> RuntimeError {
        let labels = name.labels.map { "\"\($0.name)\":\"\($0.value)\"" }.joined(separator: ", ")
        return RuntimeError(
            .notFound,
            "cannot find aci satisfying name: \"\(name.name)\" and labels: [\(labels)] in the local store")
    }

    func find(hash: String) throws -> StoredImage {
        let image = try store.image(matching: hash)
        notices.image("using image from the store with hash \(hash)")
        return image
    }

    func find(name: String, signature: FilePath? = nil) throws -> StoredImage {
        try fetcher(isOnline: true).image(name: name, signature: signature)
    }

    /// Reads an image file into the store.
    ///
    /// - Parameter isTrusted: whether its place vouches for it, as it does for installed stage1 images.
    /// - Parameter reusingUnchanged: skip reading a trusted file that is as it was at the last import.
    func importFile(
        _ path: FilePath, isTrusted: Bool, signature: FilePath? = nil, reusingUnchanged: Bool = false
    ) throws -> StoredImage {
        let absolute = try ImageFinder.absolute(path)
        guard FileSystem.exists(absolute) else {
            throw RuntimeError.systemCall("open", absolute, .noSuchFileOrDirectory)
        }
        return try fetcher(isOnline: false).image(
            file: absolute, signature: signature, isTrusted: isTrusted, reusingUnchanged: reusingUnchanged)
    }

    /// What gets images from elsewhere, as settings and configuration want it.
    func fetcher(isOnline: Bool) throws -> Fetcher {
        let notices = notices
        let auth =
            isOnline
            ? try HostConfiguration(reading: settings.configuration, [AuthConfiguration.self])[AuthConfiguration.self]
            : AuthConfiguration()
        let web = WebAccess(
            transport, credentials: auth, allowsPlainHTTP: settings.insecure.contains(.http),
            verifiesServers: !settings.insecure.contains(.tls), note: { notices.image($0) })
        return Fetcher(
            store, web: web, verifier: verifier(auth),
            policy: policy, progress: progress, tell: { notices.write("image", $0) })
    }

    static func absolute(_ path: FilePath) throws -> FilePath {
        guard path.isRelative else { return path }
        return FilePath(try FileSystem.readSymbolicLink("/proc/self/cwd")).pushing(path)
    }
}
