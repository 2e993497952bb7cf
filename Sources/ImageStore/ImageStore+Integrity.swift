// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GRDB
import Glibc
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
        let isIntact = try hasKnownStamp(id)
        shared.release()
        if isIntact { return }
        // Those of its images that are still there may make another tree.
        let name = try? FileSystem.readText(path.appending("image"), limit: 4096)
        guard let image = try? name.map({ try image(matching: $0) }),
            try DependencyResolver(image, in: self).treeID == id
        else {
            throw RuntimeError(
                .invalidState,
                "the tree \(id) has been changed, and its images are not in the store any more; "
                    + "prepare the pod again, or use --insecure-options=ondisk")
        }
        _ = try rendered(image, check: check)
    }

    /// Whether stat(2) tells of every file of a tree what it told when the tree was last found intact; its lock is held.
    func hasKnownStamp(_ id: String) throws -> Bool {
        guard let known = try index.read({ try TreeRecord.fetchOne($0, key: id)?.stamp }) else { return false }
        return try TreeStamp(of: layout.tree(for: id), ignoring: ImageStore.idFiles).text == known
    }

    /// Compares a tree with a fresh one, which takes its place if they differ; its lock is held.
    func checkContents(
        of id: String, _ resolver: DependencyResolver, _ image: StoredImage, _ check: TreeCheck
    ) throws {
        let (fresh, size) = try renderAside(resolver, image)
        let path = layout.tree(for: id)
        if try TreeComparison.difference(between: path, and: fresh.path, ignoring: ImageStore.idFiles) != nil {
            check.onDamage(image)
            try replaceTreeDirectory(id, isInUse: check.isInUse(id))
            try place(fresh, as: id, size, image)
        } else {
            try noteStamp(of: id)
        }
    }

    /// Remembers what a tree that is intact looks like.
    func noteStamp(of id: String) throws {
        let stamp = try TreeStamp(of: layout.tree(for: id), ignoring: ImageStore.idFiles)
        // What was changed a moment ago may be changed again without getting another time.
        let rest = ImageStore.clockTick - (now() - stamp.latest)
        if rest > 0 { usleep(UInt32(min(rest, ImageStore.clockTick) / 1000 + 1)) }
        try index.write { database in
            guard var record = try TreeRecord.fetchOne(database, key: id) else { return }
            record.stamp = stamp.text
            try record.update(database)
        }
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
