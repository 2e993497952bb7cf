// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Makes an image from a manifest and a directory.
///
/// The same files make the same bytes: entries come in the order of their names' bytes, owners are numbers, and nothing
/// of the time or the host goes in. Memory does not grow with the files' sizes.
package struct ImageBuilder: Sendable {
    /// An owner for all files.
    package struct Owner: Sendable, Equatable {
        package let uid: UInt32
        package let gid: UInt32

        package init(uid: UInt32, gid: UInt32) {
            self.uid = uid
            self.gid = gid
        }
    }

    /// Where the manifest is, which goes into the image byte for byte.
    package enum Manifest: Sendable {
        case file(FilePath)
        case document([UInt8])
    }

    package var manifest: Manifest
    /// The directory that becomes the image's root file system.
    package var rootfs: FilePath
    package var compression: Compression
    /// Takes the place of the files' own owners.
    package var owner: Owner?
    /// Whether sockets are left out, which an image cannot hold; else they are an error.
    package var omitsSockets = false
    /// Files that were changed later get this time, in nanoseconds since 1970.
    package var latestTime: Int64?

    package init(
        manifest: Manifest, rootfs: FilePath, compression: Compression = .gzip, owner: Owner? = nil,
        latestTime: Int64? = nil
    ) {
        self.manifest = manifest
        self.rootfs = rootfs
        self.compression = compression
        self.owner = owner
        self.latestTime = latestTime
    }

    /// Writes the image.
    ///
    /// - Parameter output: an empty file or a pipe; it stays the caller's, and is no image after an error.
    /// - Returns: the image's ID, which does not depend on the compression.
    /// - Throws: `RuntimeError` that names what cannot be an image or cannot be read, `OutputError` when writing fails.
    package func write(to output: FileDescriptor) throws -> ImageID {
        let bytes = try readManifest()
        let root = try openRoot()
        defer { try? root.close() }
        let file = DescriptorSink(output)
        let hashing = HashingSink(compression == .none ? file : try FilterSink(file, compression))
        let writer = TarWriter(hashing)
        try writer.begin(
            TarEntry(
                Array("manifest".utf8), .file(size: Int64(bytes.count)), mode: 0o644, uid: owner?.uid ?? 0,
                gid: owner?.gid ?? 0, modification: latestTime ?? 0))
        try bytes.withUnsafeBytes { try writer.write($0) }
        var archiver = TreeArchiver(
            rootfs, root, writer, owner: owner, latestTime: latestTime, output: try FileSystem.status(of: output))
        archiver.omitsSockets = omitsSockets
        try archiver.write()
        try writer.finish()
        try hashing.finish()
        return hashing.imageID
    }

    private func readManifest() throws -> [UInt8] {
        let bytes: [UInt8]
        let name: String
        switch manifest {
        case .file(let path):
            bytes = try FileSystem.read(path, limit: ArchiveLimits().manifestBytes)
            name = path.string
        case .document(let document):
            bytes = document
            name = "the manifest of the image"
        }
        do {
            _ = try ImageManifest(parsing: bytes)
        } catch {
            throw RuntimeError(.invalidArgument, "\(name) is not a valid image manifest", cause: error)
        }
        return bytes
    }

    private func openRoot() throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(rootfs, .readOnly, options: [.directory, .closeOnExec])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", rootfs, error)
        }
    }
}
