// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageArchive
import SystemPackage

extension LayerTree {
    /// The contents of a regular file, found without following symbolic links; nil when there is none, or it is larger
    /// than `limit`.
    func contents(of path: [String], limit: Int) throws -> [UInt8]? {
        var node = root
        for name in path {
            guard let next = node.children[EntryName(name.utf8)]?.node else { return nil }
            node = next
        }
        guard case .file(let size, let segments, let region) = node.content, size <= limit,
            segments.count <= 1, region.length == size
        else { return nil }
        var bytes: [UInt8] = []
        try spool.read(region) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Writes the archive of an image: the manifest, then all files, names in the order of their bytes.
    ///
    /// Equal trees make equal archives.
    func writeImage(manifest: String, to output: FileDescriptor) throws {
        let writer = TarWriter(output)
        let manifestBytes = Array(manifest.utf8)
        try writer.begin(TarEntry(Array("manifest".utf8), .file(size: Int64(manifestBytes.count)), mode: 0o644))
        try manifestBytes.withUnsafeBytes { try writer.write($0) }
        try write(root, at: Array("rootfs".utf8), to: writer)
        try writer.finish()
    }

    private func write(_ node: TreeNode, at path: [UInt8], to writer: TarWriter) throws {
        guard path.count < 4096 else {
            throw RuntimeError(
                .invalidArgument, "the image holds a path of \(path.count) bytes, more than a system can open")
        }
        if let earlier = node.archivedPath {
            return try writer.begin(TarEntry(path, .hardLink(earlier), mode: node.mode, uid: node.uid, gid: node.gid))
        }
        if !node.isDirectory { node.archivedPath = path }
        var entry = TarEntry(
            path, .directory, mode: node.mode, uid: node.uid, gid: node.gid, modification: node.modification,
            attributes: node.attributes)
        switch node.content {
        case .directory: break
        case .file(let size, let segments, let region):
            let isWhole = region.length == size
            entry.kind = .file(size: size, segments: isWhole ? nil : segments)
            try writer.begin(entry)
            try spool.read(region) { try writer.write($0) }
            return
        case .symbolicLink(let target): entry.kind = .symbolicLink(target)
        case .fifo: entry.kind = .fifo
        case .characterDevice(let major, let minor): entry.kind = .characterDevice(major: major, minor: minor)
        case .blockDevice(let major, let minor): entry.kind = .blockDevice(major: major, minor: minor)
        }
        try writer.begin(entry)
        for (name, place) in node.children.sorted(by: { $0.key < $1.key }) {
            try write(place.node, at: path + [UInt8(ascii: "/")] + name.bytes, to: writer)
        }
    }
}
