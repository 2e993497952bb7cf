// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Decides which entries of which image make up a rendered tree, when images overlap or filter paths.
///
/// Layers are asked in order of priority, highest first, each with all of its entries in archive order; the first to
/// have a path keeps it.
struct TreeSelection {
    private enum Holder {
        /// A directory no archive had an entry for yet.
        case impliedDirectory
        case directory
        /// Anything else; the number is its layer's.
        case other(Int)
    }

    private var taken: [FilePath: Holder] = [:]
    private let layers: [RenderLayer]
    /// Parents known to be directories, for the common run of entries in one directory.
    private var lastParent: FilePath?

    init(_ layers: [RenderLayer]) { self.layers = layers }

    /// Whether the entry of the numbered layer belongs to the tree.
    mutating func select(_ entry: ArchiveEntry, layer: Int) -> Bool {
        let path = entry.path
        if path == ArchiveName.root { return claimDirectory(path) }
        guard path.starts(with: ArchiveName.root), isAllowed(entry, layers[layer]) else { return false }
        if entry.isDirectory {
            guard taken[path].map({ if case .impliedDirectory = $0 { true } else { false } }) ?? true,
                claimParents(of: path)
            else { return false }
            taken[path] = .directory
        } else {
            guard taken[path] == nil, claimParents(of: path) else { return false }
            taken[path] = .other(layer)
        }
        return true
    }

    /// Whether a path came into the tree from the numbered layer and is not a directory.
    func holds(_ path: FilePath, from layer: Int) -> Bool {
        if case .other(let holder)? = taken[path] { holder == layer } else { false }
    }

    private func isAllowed(_ entry: ArchiveEntry, _ layer: RenderLayer) -> Bool {
        // An image's own list does not filter its directories, those of the images that depend on it do.
        if !entry.isDirectory, let own = layer.whitelist, !own.allows(entry.path) { return false }
        return layer.inheritedWhitelists.allSatisfy { $0.allows(entry.path) }
    }

    /// The `rootfs` directory is never filtered; the image of highest priority gives its mode and owner.
    private mutating func claimDirectory(_ path: FilePath) -> Bool {
        if case .directory? = taken[path] { return false }
        taken[path] = .directory
        return true
    }

    /// Notes a path's parents as directories; false when one of them is something else.
    private mutating func claimParents(of path: FilePath) -> Bool {
        var missing: [FilePath] = []
        var parent = path.removingLastComponent()
        if parent == lastParent { return true }
        let direct = parent
        search: while parent != ArchiveName.root {
            switch taken[parent] {
            case .other: return false
            case .directory, .impliedDirectory: break search
            case nil: missing.append(parent)
            }
            parent = parent.removingLastComponent()
        }
        for path in missing { taken[path] = .impliedDirectory }
        if taken[ArchiveName.root] == nil { taken[ArchiveName.root] = .impliedDirectory }
        lastParent = direct
        return true
    }
}
