// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageArchive
import LinuxPlatform
import SystemPackage

extension ImageStore {
    /// What `verify` found out about an image's rendered tree.
    package enum TreeVerification: Sendable, Equatable {
        /// The image has none.
        case notRendered
        case intact
        /// The tree differed, first at this path below it, and has been rendered anew.
        case repaired(FilePath)
    }

    /// Checks an image's archive against its ID, and its rendered tree against what rendering it makes now.
    ///
    /// - Parameter isInUse: whether pods use the tree of this ID; then a damaged one is kept for them until it is collected.
    /// - Throws: code `invalidState` when the archive is damaged, `busy` when a tree to be replaced is being taken up.
    package func verify(
        _ image: StoredImage, isInUse: (String) throws -> Bool = { _ in false }
    ) throws -> TreeVerification {
        let archive = try openBlob(image)
        defer { try? archive.close() }
        let id = try ImageImporter.imageID(ofArchive: archive, name: layout.blob(for: image.id).string)
        guard id == image.fullID else {
            throw RuntimeError(
                .invalidState,
                "image \(image.id.short) (\(image.name)) is damaged: its archive hashes to \(id.short); "
                    + "remove it and fetch it again")
        }
        let resolver = try DependencyResolver(image, in: self)
        let tree = layout.tree(for: resolver.treeID)
        guard FileSystem.exists(tree) else { return .notRendered }
        try requirePrivateTrees()
        let shared = try lockTree(resolver.treeID, .shared)
        defer { shared.release() }
        // Somebody may have removed it before it was locked.
        guard FileSystem.exists(tree) else { return .notRendered }
        let (fresh, size) = try renderAside(resolver, image)
        guard
            let difference = try TreeComparison.difference(
                between: tree, and: fresh.path, ignoring: ImageStore.idFiles)
        else { return .intact }
        shared.release()
        guard let exclusive = try tryLockTree(resolver.treeID) else {
            throw RuntimeError(
                .busy,
                "the tree of image \(image.name) differs at \"\(difference)\" but is in use; verify it again later")
        }
        defer { exclusive.release() }
        try replaceTreeDirectory(resolver.treeID, isInUse: isInUse(resolver.treeID))
        try place(fresh, as: resolver.treeID, size, image)
        return .repaired(difference)
    }

    /// Removes what crashes have left: unfinished imports and trees, archives that the index does not know, and what
    /// there is about trees that are gone.
    package func removeLeftovers() throws {
        TemporaryItem.removeStale(in: layout.temporary, prefix: ImageStore.importPrefix)
        TemporaryItem.removeStale(in: layout.trees, prefix: ImageStore.renderPrefix)
        // A transaction keeps imports from placing archives meanwhile.
        try index.write { database in
            let known = Set(try ImageRecord.fetchAll(database).map { try ImageID(parsing: $0.id).key })
            for directory in try FileSystem.list(layout.blobs).map({ layout.blobs.appending($0) }) {
                for name in (try? FileSystem.list(directory)) ?? [] where !known.contains(name) {
                    try FileSystem.remove(directory.appending(name))
                }
            }
        }
        try requirePrivateTrees()
        let recorded = try index.read { try TreeRecord.fetchAll($0).map(\.id) }
        for id in Set(try FileSystem.list(layout.locks)).union(recorded) where !FileSystem.exists(layout.tree(for: id))
        {
            guard let lock = try tryLockTree(id) else { continue }
            defer { lock.release() }
            // It may have been rendered just now.
            guard !FileSystem.exists(layout.tree(for: id)) else { continue }
            try index.write { _ = try TreeRecord.deleteOne($0, key: id) }
            try FileSystem.remove(layout.lock(for: id))
        }
    }
}
