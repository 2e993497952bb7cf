// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GRDB
import LinuxPlatform
import SystemPackage

/// How trees are checked before they are used.
package struct TreeCheck: Sendable {
    /// Whether pods run from the tree of this ID, or will.
    let isInUse: @Sendable (String) throws -> Bool
    /// Hears of an image whose tree is not what it was, before it is rendered anew.
    let onDamage: @Sendable (StoredImage) -> Void

    package init(
        isInUse: @escaping @Sendable (String) throws -> Bool, onDamage: @escaping @Sendable (StoredImage) -> Void
    ) {
        self.isInUse = isInUse
        self.onDamage = onDamage
    }
}

extension ImageStore {
    /// Checks a tree that a pod was prepared with, and renders it anew if it is not what it was.
    ///
    /// - Throws: code `invalidState` for a damaged tree that cannot be rendered any more.
    package func checkTree(id: String, _ check: TreeCheck) throws {
        let path = layout.tree(for: id)
        guard FileSystem.exists(path) else {
            throw RuntimeError(.notFound, "the tree \(id) is gone from the store; prepare the pod again")
        }
        let shared = try lockTree(id, .shared)
        let isIntact = try isIntact(id)
        shared.release()
        if isIntact { return }
        // Those of its images that are still there may make another tree.
        let name = try? FileSystem.readText(path.appending("image"), limit: 4096)
        guard let image = try? name.map({ try image(matching: $0) }),
            try DependencyResolver(image, in: self).treeID == id
        else {
            throw RuntimeError(
                .invalidState,
                "the tree \(id) is damaged, and its images are not in the store any more; "
                    + "prepare the pod again, or use --insecure-options=ondisk")
        }
        _ = try rendered(image, check: check)
    }

    /// Whether a tree is as it was rendered; its lock is held.
    ///
    /// When stat(2) tells of every file what it told when the tree was last found intact, nothing is read.
    func isIntact(_ id: String) throws -> Bool {
        let path = layout.tree(for: id)
        let (stamp, latest) = try TreeSum.stamp(of: path, ignoring: ImageStore.idFiles)
        if let known = try index.read({ try TreeRecord.fetchOne($0, key: id)?.stamp }), known == stamp { return true }
        let checksum = try TreeSum.checksum(of: path, ignoring: ImageStore.idFiles)
        guard checksum == recordedChecksum(path) else { return false }
        try note(stamp, latest, of: id)
        return true
    }

    /// Remembers what a tree that is intact looks like.
    ///
    /// Files changed a moment ago may change again without another time stamp: then nothing is remembered.
    func note(_ stamp: String, _ latest: Int64, of id: String) throws {
        guard now() - latest > ImageStore.clockTick, !index.isReadOnly else { return }
        try index.write { database in
            guard var record = try TreeRecord.fetchOne(database, key: id) else { return }
            record.stamp = stamp
            try record.update(database)
        }
    }

    /// The checksum that was written down when a tree was rendered.
    func recordedChecksum(_ tree: FilePath) -> String? {
        try? FileSystem.readText(tree.appending(ImageStore.checksumFile), limit: 4096)
    }

    // MARK: - Replaced trees

    static let replacedPrefix = ".replaced-"

    /// Takes a tree's name away, and the tree itself unless pods use it: then it is left to `removeReplacedTrees`.
    func replaceTreeDirectory(_ id: String, isInUse: Bool) throws {
        guard isInUse else { return try removeTreeDirectory(id) }
        // What is mounted must stay as it is, but not under this name.
        let aside = "\(ImageStore.replacedPrefix)\(id)-" + String(UInt64.random(in: .min ... .max), radix: 16)
        try FileSystem.rename(layout.tree(for: id), to: layout.trees.appending(aside), replace: false)
    }

    /// Removes trees that were replaced while pods used them.
    ///
    /// - Parameter used: IDs of trees that pods use still.
    package func removeReplacedTrees(except used: Set<String>) throws {
        for name in try FileSystem.list(layout.trees) where name.hasPrefix(ImageStore.replacedPrefix) {
            let id = name.dropFirst(ImageStore.replacedPrefix.count).prefix(
                upTo: name.lastIndex(of: "-") ?? name.endIndex)
            guard !used.contains(String(id)) else { continue }
            try FileSystem.removeTree(layout.trees.appending(name))
        }
    }
}
