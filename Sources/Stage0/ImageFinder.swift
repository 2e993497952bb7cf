// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageStore
import LinuxPlatform
import SystemPackage

/// Finds the image that an argument names, and brings local files into the store.
struct ImageFinder {
    let settings: Settings
    let notices: Notices
    let store: ImageStore

    /// The image for an argument of `fetch`, `run` or `prepare`.
    ///
    /// - Parameter signature: a detached signature file named by the user.
    func find(_ argument: String, signature: String? = nil) throws -> StoredImage {
        if let signature {
            throw RuntimeError(
                .unsupported,
                "signature \"\(signature)\" of image \"\(argument)\" cannot be verified: signatures are not supported yet"
            )
        }
        switch try ImageReference(interpreting: argument) {
        case .hash(let hash): return try find(hash: hash)
        case .file(let path): return try importFile(path, isTrusted: false)
        case .url(let url):
            throw RuntimeError(
                .unsupported, "unable to fetch image from url \"\(url)\"",
                cause: RuntimeError(
                    .unsupported, "downloading \"\(url)\" is not supported yet; download it and fetch the file"))
        case .name(let name): return try find(name: name)
        }
    }

    /// The image for an argument of a subcommand of `image`: only the store is searched.
    func findStored(_ argument: String) throws -> StoredImage {
        switch try ImageReference(interpreting: argument) {
        case .hash(let hash): return try find(hash: hash)
        case .name(let name), .url(let name):
            let wanted = try ImageName(parsing: name)
            if let image = try store.image(named: wanted) { return image }
            throw ImageFinder.notInStore(wanted)
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

    func find(name: String) throws -> StoredImage {
        let wanted = try ImageName(parsing: name)
        guard let image = try store.image(named: wanted) else {
            throw RuntimeError(
                .notFound, "unable to fetch image from image name \"\(name)\"",
                cause: RuntimeError(
                    .notFound,
                    "image \"\(name)\" is not in the store, and discovery is not supported yet; fetch it from a file"))
        }
        notices.image("using image from local store for image name \(name)")
        return image
    }

    /// Reads an image file into the store.
    ///
    /// - Parameter isTrusted: whether its place vouches for it, as it does for installed stage1 images.
    /// - Parameter reusingUnchanged: skip reading a file that is as it was at the last import.
    func importFile(_ path: FilePath, isTrusted: Bool, reusingUnchanged: Bool = false) throws -> StoredImage {
        let absolute = try ImageFinder.absolute(path)
        notices.image("using image from file \(absolute)")
        guard FileSystem.exists(absolute) else {
            throw RuntimeError.systemCall("open", absolute, .noSuchFileOrDirectory)
        }
        guard isTrusted || settings.insecure.contains(.image) else {
            throw RuntimeError(
                .untrusted,
                "image \"\(path)\" has no signature that can be verified: signatures are not supported yet; "
                    + "--insecure-options=image uses it without one")
        }
        return reusingUnchanged
            ? try store.importImage(at: absolute, reusingUnchanged: true) : try store.importImage(at: absolute)
    }

    static func absolute(_ path: FilePath) throws -> FilePath {
        guard path.isRelative else { return path }
        return FilePath(try FileSystem.readSymbolicLink("/proc/self/cwd")).pushing(path)
    }
}
