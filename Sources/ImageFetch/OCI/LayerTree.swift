// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageArchive
import SystemPackage

/// The files of an image, put together from its layers without unpacking them.
///
/// Layers come the lowest first, and each is read once, from front to back. What extraction would do to a disk happens
/// to this tree, so that the order within a layer, names reached through symbolic links, and hard links to files of
/// this or a lower layer all mean what they mean to an extracting program. Contents wait in a spool; memory grows with
/// the number of names and not with their contents.
final class LayerTree {
    let root = TreeNode(.directory, mode: 0o755)
    let spool: Spool
    private let limits: ArchiveLimits
    private var layer = 0
    /// What messages call the current layer.
    private var layerName = ""
    private var nodeCount = 0
    private var contentBytes: Int64 = 0
    private var segmentCount = 0
    private var attributeBytes = 0

    /// The deepest nesting of directories.
    private static let maximumDepth = 1024
    /// How many symbolic links one name may lead through, as in the kernel (path_resolution(7)).
    private static let maximumLinks = 40
    private static let maximumName = 255
    /// Bytes of a symbolic link's text or a path.
    private static let maximumPath = 4095
    private static let maximumAttributeBytes = 64 << 20
    static let whiteout = ".wh."
    static let opaque = ".wh..wh..opq"
    /// Names of this kind other than the above are a storage driver's own and belong to no image.
    static let driverPrefix = ".wh..wh."

    /// - Parameter limits: for all layers together.
    init(spool: Spool, limits: ArchiveLimits) {
        self.spool = spool
        self.limits = limits
    }

    /// Limits for the archive of the next layer.
    var remainingLimits: ArchiveLimits {
        ArchiveLimits(entries: limits.entries, expandedBytes: max(0, limits.expandedBytes - contentBytes))
    }

    /// Starts the next layer above those that are there.
    func beginLayer(_ name: String) {
        layer += 1
        layerName = name
    }

    /// Ends the layer: what storage drivers keep for themselves goes.
    func endLayer() {
        root.children = root.children.filter { !$0.key.hasPrefix(LayerTree.driverPrefix) }
    }

    /// Applies one entry of the layer.
    ///
    /// - Parameter reader: stands at the entry.
    func add(_ entry: ArchiveEntry, from reader: LayerReader) throws {
        var names = try components(entry.path, "holds an entry named")
        guard let leaf = names.popLast() else {
            if entry.isDirectory { root.adopt(entry, try attributes(reader)) }
            return
        }
        if leaf.hasPrefix(LayerTree.whiteout), !leaf.hasPrefix(LayerTree.driverPrefix) || leaf.isOpaque {
            return try remove(leaf, in: names, entry.path)
        }
        let node = try makeNode(entry, from: reader)
        let parent = try makeDirectories(names, entry.path)
        if entry.isDirectory, let place = parent.children[leaf], place.node.isDirectory {
            place.node.adopt(entry, node.attributes)
            parent.children[leaf] = TreeNode.Place(node: place.node, layer: layer)
            return
        }
        parent.children[leaf] = TreeNode.Place(node: node, layer: layer)
    }

    // MARK: - Nodes

    private func makeNode(_ entry: ArchiveEntry, from reader: LayerReader) throws -> TreeNode {
        let content: TreeNode.Content
        switch entry.kind {
        case .hardLink(let target): return try linked(entry.path, target)
        case .directory: content = .directory
        case .file: content = try keep(entry, from: reader)
        case .symbolicLink(let target):
            let bytes = target.dropLast().map { UInt8(bitPattern: $0) }
            guard !bytes.isEmpty, bytes.count <= LayerTree.maximumPath else {
                throw broken("\(shown(entry.path)) is a symbolic link with a text of \(bytes.count) bytes")
            }
            content = .symbolicLink(bytes)
        case .fifo: content = .fifo
        case .characterDevice(let major, let minor): content = .characterDevice(major: major, minor: minor)
        case .blockDevice(let major, let minor): content = .blockDevice(major: major, minor: minor)
        case .unknown: throw broken("\(shown(entry.path)) is of a type that an image cannot hold")
        }
        try count()
        let node = TreeNode(content, mode: entry.mode)
        node.adopt(entry, try attributes(reader))
        return node
    }

    /// The file that a hard link names, as it is at this point of the layer.
    private func linked(_ path: FilePath, _ target: FilePath) throws -> TreeNode {
        var names = try components(target, "holds \(shown(path)), a hard link to")
        let missing = broken(
            "\(shown(path)) is a hard link to \(shown(target)), which neither it nor a lower layer holds")
        guard path != target else { throw broken("\(shown(path)) is a hard link to itself") }
        guard let leaf = names.popLast(), let parent = try findDirectory(names, target),
            let node = parent.children[leaf]?.node
        else { throw missing }
        guard !node.isDirectory else { throw broken("\(shown(path)) is a hard link to the directory \(shown(target))") }
        return node
    }

    /// Puts the contents of a file into the spool.
    private func keep(_ entry: ArchiveEntry, from reader: LayerReader) throws -> TreeNode.Content {
        var file = SpooledFile(spool: spool)
        while let block = try reader.nextBlock() {
            if block.bytes.isEmpty { continue }
            let (end, overflow) = block.offset.addingReportingOverflow(Int64(block.bytes.count))
            guard !overflow, end <= entry.size, block.offset >= file.end else {
                throw broken("the data of \(shown(entry.path)) do not fit into it")
            }
            if try file.append(block.bytes, at: block.offset) {
                segmentCount += 1
                guard segmentCount <= limits.entries else {
                    throw broken("its sparse files have more than \(limits.entries) parts, the most allowed")
                }
            }
        }
        try file.finish(size: entry.size)
        contentBytes += entry.size
        return .file(size: entry.size, segments: file.segments, region: file.region)
    }

    private func attributes(_ reader: LayerReader) throws -> [(name: String, value: [UInt8])] {
        let attributes = reader.extendedAttributes()
        if attributes.isEmpty { return [] }
        // An archive may give one attribute in two notations; the last one counts.
        var values: [String: [UInt8]] = [:]
        for (name, value) in attributes {
            values[name] = value
            attributeBytes += name.utf8.count + value.count
        }
        guard attributeBytes <= LayerTree.maximumAttributeBytes else {
            throw broken(
                "extended attributes of the image have more than \(LayerTree.maximumAttributeBytes) bytes, the most "
                    + "allowed")
        }
        return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func count() throws {
        nodeCount += 1
        guard nodeCount <= limits.entries else {
            throw broken("with it the image has more than \(limits.entries) files, the most allowed")
        }
    }

    // MARK: - Directories

    /// The components of a name in the archive, which must stay beneath the root.
    private func components(_ path: FilePath, _ what: String) throws -> [EntryName] {
        let names = EntryName.components(path)
        guard !path.isAbsolute, names.first?.bytes != Array("..".utf8) else {
            throw broken("it \(what) \(shown(path)), outside the root of the image")
        }
        guard names.allSatisfy({ $0.bytes.count <= LayerTree.maximumName }) else {
            throw broken("it holds a name of more than \(LayerTree.maximumName) bytes")
        }
        return names
    }

    private func makeDirectories(_ names: [EntryName], _ path: FilePath) throws -> TreeNode {
        guard let directory = try walk(names, path, making: true) else {
            throw RuntimeError(.internal, "the parents of \(shown(path)) cannot be made")
        }
        return directory
    }

    private func findDirectory(_ names: [EntryName], _ path: FilePath) throws -> TreeNode? {
        try walk(names, path, making: false)
    }

    /// Goes to a directory, through symbolic links as if the image's root were the root directory.
    ///
    /// - Parameter making: makes what is missing, puts directories in the place of files, and counts all names on the
    ///   way as names of this layer.
    private func walk(_ names: [EntryName], _ path: FilePath, making: Bool) throws -> TreeNode? {
        var stack = [root]
        var rest = Array(names.reversed())
        var links = 0
        while let name = rest.popLast() {
            if name.bytes == Array(".".utf8) { continue }
            if name.bytes == Array("..".utf8) {
                if stack.count > 1 { stack.removeLast() }
                continue
            }
            let directory = stack[stack.count - 1]
            let node = directory.children[name]?.node
            if making, node != nil { directory.children[name]?.layer = layer }
            if let node, node.isDirectory {
                stack.append(node)
            } else if let node, case .symbolicLink(let target) = node.content {
                links += 1
                guard links <= LayerTree.maximumLinks else {
                    throw broken("\(shown(path)) leads through more than \(LayerTree.maximumLinks) symbolic links")
                }
                let (targetNames, isAbsolute) = EntryName.components(ofLink: target)
                if isAbsolute { stack = [root] }
                rest.append(contentsOf: targetNames.reversed())
                guard rest.count <= 2 * LayerTree.maximumPath else {
                    throw broken("\(shown(path)) leads through symbolic links to a name that is too long")
                }
            } else {
                guard making else { return nil }
                guard name.bytes.count <= LayerTree.maximumName else {
                    throw broken("\(shown(path)) leads through a symbolic link to a name that is too long")
                }
                try count()
                let made = TreeNode(.directory, mode: 0o755)
                directory.children[name] = TreeNode.Place(node: made, layer: layer)
                stack.append(made)
            }
            guard stack.count <= LayerTree.maximumDepth else {
                throw broken("\(shown(path)) is nested deeper than \(LayerTree.maximumDepth), the most allowed")
            }
        }
        return stack.last
    }

    // MARK: - Whiteouts

    /// Takes away what lower layers have; what this layer has stays, wherever the mark stands among its entries.
    private func remove(_ mark: EntryName, in names: [EntryName], _ path: FilePath) throws {
        var directory = root
        for name in names {
            guard let node = directory.children[name]?.node else { return }
            if case .symbolicLink = node.content {
                throw broken("the whiteout \(shown(path)) lies beneath a symbolic link")
            }
            guard node.isDirectory else { return }
            directory = node
        }
        if mark.isOpaque {
            prune(directory)
            return
        }
        let name = EntryName(mark.bytes.dropFirst(LayerTree.whiteout.utf8.count))
        guard ![[], Array(".".utf8), Array("..".utf8)].contains(name.bytes) else {
            throw broken("\(shown(path)) is a whiteout of nothing")
        }
        guard let place = directory.children[name] else { return }
        if place.layer == layer { prune(place.node) } else { directory.children[name] = nil }
    }

    /// Leaves in a directory only what this layer has put there.
    private func prune(_ directory: TreeNode) {
        // Once for each layer: a layer may repeat the mark as often as it likes.
        guard directory.prunedLayer != layer else { return }
        directory.prunedLayer = layer
        directory.children = directory.children.filter { $0.value.layer == layer }
        for place in directory.children.values where place.node.isDirectory { prune(place.node) }
    }

    /// A name as a message shows it, without anything that a terminal acts on.
    private func shown(_ path: FilePath) -> String { ScalarError.quoted(path.string) }

    private func broken(_ reason: String) -> RuntimeError {
        RuntimeError(.invalidArgument, "\(layerName) is not valid: \(reason)")
    }
}

extension EntryName {
    /// Whether this is the mark that hides everything lower layers have in its directory.
    fileprivate var isOpaque: Bool { bytes == Array(LayerTree.opaque.utf8) }
}
