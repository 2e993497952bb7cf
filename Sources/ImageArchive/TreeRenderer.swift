// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// One image's part in a rendered tree.
package struct RenderLayer {
    /// The stored archive must hash to it.
    package let id: ImageID
    /// The uncompressed archive: seekable, read from its start, and the caller's to close.
    package let archive: FileDescriptor
    /// The image's own list.
    package let whitelist: PathWhitelist?
    /// Lists of the images that depend on it, on this way down.
    package let inheritedWhitelists: [PathWhitelist]

    package init(
        id: ImageID, archive: FileDescriptor, whitelist: PathWhitelist? = nil,
        inheritedWhitelists: [PathWhitelist] = []
    ) {
        self.id = id
        self.archive = archive
        self.whitelist = whitelist
        self.inheritedWhitelists = inheritedWhitelists
    }
}

/// Unpacks images into a directory by the rules of dependency rendering (appc 0.8.11, "Dependency Matching" and
/// `pathWhitelist`).
package struct TreeRenderer {
    private let layers: [RenderLayer]
    private let rootfsOnly: Bool
    private let name: String
    private let limits: ArchiveLimits
    private let writer: TreeWriter
    private var selection: TreeSelection?

    /// Writes the tree of the layers into an empty directory.
    ///
    /// - Parameters:
    ///   - layers: highest priority first; the first is the image itself and gives the manifest.
    ///   - directory: open and empty; it may hold a part of the tree after an error.
    ///   - rootfsOnly: whether the contents of `rootfs` go right into the directory, without the manifest.
    ///   - name: what messages call the tree.
    ///   - onRead: gets the size of each block read from the archives, every layer once.
    /// - Returns: The tree's apparent size in bytes: files and links by length, hard links once, directories as the
    ///   file system counts them, the given one included.
    package static func render(
        _ layers: [RenderLayer], into directory: FileDescriptor, rootfsOnly: Bool = false, name: String,
        limits: ArchiveLimits = ArchiveLimits(), onRead: ((Int) -> Void)? = nil
    ) throws -> Int64 {
        var renderer = TreeRenderer(layers, directory, rootfsOnly, name, limits)
        for index in layers.indices { try renderer.unpack(index, onRead) }
        try renderer.writer.finish()
        return renderer.writer.apparentSize + (rootfsOnly ? 0 : try FileSystem.status(of: directory).size)
    }

    private init(
        _ layers: [RenderLayer], _ directory: FileDescriptor, _ rootfsOnly: Bool, _ name: String,
        _ limits: ArchiveLimits
    ) {
        self.layers = layers
        self.rootfsOnly = rootfsOnly
        self.name = name
        self.limits = limits
        writer = TreeWriter(root: directory, name: name)
        // One image without a list: everything is selected, and nothing needs to be remembered.
        let isPlain = layers.count == 1 && layers[0].whitelist == nil && layers[0].inheritedWhitelists.isEmpty
        selection = isPlain ? nil : TreeSelection(layers)
    }

    // MARK: - One layer

    private mutating func unpack(_ index: Int, _ onRead: ((Int) -> Void)?) throws {
        let layer = layers[index]
        let stream = HashingSource(try rewound(layer, onRead))
        let reader = try TarReader(stream, name: "image \(layer.id.short)", limits: limits)
        var links = PendingLinks()
        do {
            while let entry = try reader.next() {
                try unpack(entry, from: reader, layer: index, &links)
            }
        } catch {
            // Of an archive that is not what was imported, nothing else is worth saying.
            try verify(stream, layer)
            throw error
        }
        try verify(stream, layer)
        if !links.isEmpty { try resolve(links, index) }
    }

    /// Reads the rest of the archive and compares its sum.
    private func verify(_ stream: HashingSource, _ layer: RenderLayer) throws {
        try stream.drain()
        guard stream.imageID().matches(layer.id) else {
            throw RuntimeError(
                .invalidState,
                "the stored image \(layer.id.short) is damaged: its contents do not match its ID; "
                    + "remove it and fetch it again")
        }
    }

    private mutating func unpack(
        _ entry: ArchiveEntry, from reader: TarReader, layer: Int, _ links: inout PendingLinks
    ) throws {
        let path = entry.path
        if path == ArchiveName.manifest {
            if layer == 0, !rootfsOnly { _ = try writer.write(entry, at: path, from: reader) }
            return
        }
        guard path.starts(with: ArchiveName.root) else { return }
        let isSelected = selection?.select(entry, layer: layer) ?? true
        if case .hardLink(let target) = entry.kind {
            try unpackLink(path, target, isSelected, layer, &links)
        } else if isSelected {
            _ = try writer.write(entry, at: destination(path), from: reader)
        }
    }

    private mutating func unpackLink(
        _ path: FilePath, _ target: FilePath, _ isSelected: Bool, _ layer: Int, _ links: inout PendingLinks
    ) throws {
        guard target.starts(with: ArchiveName.root) else {
            throw RuntimeError(
                .invalidArgument,
                "\(name): \(ArchiveName.quoted(path)) is a hard link to \(ArchiveName.quoted(target)), outside "
                    + "\"rootfs\"")
        }
        guard isSelected else {
            links.missing[path] = target
            return
        }
        if selection?.holds(target, from: layer) ?? true,
            try writer.link(destination(path), to: destination(target))
        {
            return
        }
        links.missing[path] = target
        links.waiting.append((path, target))
    }

    // MARK: - Links whose target is not in the tree

    /// Hard links of one layer that need the data of an entry that was left out.
    private struct PendingLinks {
        /// Links that are not in the tree, or not yet, with their targets: to follow chains of them.
        var missing: [FilePath: FilePath] = [:]
        var waiting: [(path: FilePath, target: FilePath)] = []
        var isEmpty: Bool { waiting.isEmpty }

        /// The name that the archive stores the data under. Each link is followed once: those on the way lead there
        /// directly afterwards.
        mutating func origin(of target: FilePath) -> FilePath {
            var way: [FilePath] = []
            var origin = target
            while let next = missing[origin], way.count <= missing.count {
                way.append(origin)
                origin = next
            }
            for path in way { missing[path] = origin }
            return origin
        }
    }

    /// Writes such links as files with the data of their target, in a second pass over the archive.
    private func resolve(_ links: consuming PendingLinks, _ index: Int) throws {
        var waiting: [FilePath: [FilePath]] = [:]
        for (path, target) in links.waiting {
            let origin = links.origin(of: target)
            if selection?.holds(origin, from: index) ?? true,
                try writer.link(destination(path), to: destination(origin))
            {
                continue
            }
            waiting[origin, default: []].append(path)
        }
        if waiting.isEmpty { return }
        let layer = layers[index]
        let reader = try TarReader(try rewound(layer), name: "image \(layer.id.short)", limits: limits)
        while !waiting.isEmpty, let entry = try reader.next() {
            if case .hardLink = entry.kind { continue }
            guard !entry.isDirectory, let paths = waiting.removeValue(forKey: entry.path) else { continue }
            guard let first = paths.first,
                try writer.write(entry, at: destination(first), from: reader) == .written
            else { continue }
            for path in paths.dropFirst() {
                _ = try writer.link(destination(path), to: destination(first))
            }
        }
        if let (target, paths) = waiting.first, let path = paths.first {
            throw RuntimeError(
                .invalidArgument,
                "image \(layer.id.short): \(ArchiveName.quoted(path)) is a hard link to \(ArchiveName.quoted(target)), which "
                    + "the image does not hold")
        }
    }

    private func rewound(_ layer: RenderLayer, _ onRead: ((Int) -> Void)? = nil) throws -> DescriptorSource {
        do {
            try layer.archive.seek(offset: 0, from: .start)
        } catch let error as Errno {
            throw RuntimeError.systemCall("lseek", nil, error)
        }
        return DescriptorSource(layer.archive, name: "image \(layer.id.short)", onRead: onRead)
    }

    /// Where an entry of the archive goes below the directory.
    private func destination(_ path: FilePath) -> FilePath {
        guard rootfsOnly else { return path }
        var path = path
        _ = path.removePrefix(ArchiveName.root)
        return path
    }
}
