// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GRDB
import Glibc
import ImageArchive
import LinuxPlatform
import SystemPackage

extension ImageStore {
    /// The image with its dependencies as a directory, rendered if nobody has done so yet.
    ///
    /// One of several callers renders, the others wait. A failed render leaves nothing.
    ///
    /// - Parameter check: how a tree that is there already is checked; nil takes it as it is.
    package func rendered(_ image: StoredImage, check: TreeCheck? = nil) throws -> RenderedTree {
        let resolver = try DependencyResolver(image, in: self)
        let id = resolver.treeID
        try requirePrivateTrees()
        try touch(resolver.images)
        var isChecked = check == nil
        var isNew = false
        // The lock is given up between rendering and using: somebody may remove the tree right then.
        for _ in 0..<8 {
            let shared = try lockTree(id, .shared)
            if let size = try treeSize(id, image), try isChecked || hasKnownStamp(id) {
                return RenderedTree(id: id, path: layout.tree(for: id), size: size, isNew: isNew, lock: shared)
            }
            shared.release()
            let exclusive = try lockTree(id, .exclusive)
            defer { exclusive.release() }
            if try treeSize(id, image) == nil {
                try renderTree(id, resolver, image)
                isNew = true
            } else if let check, try !hasKnownStamp(id) {
                try checkContents(of: id, resolver, image, check)
            }
            isChecked = true
        }
        throw RuntimeError(.busy, "the tree of image \(image.name) is removed as fast as it is rendered")
    }

    /// IDs of all rendered trees, sorted.
    package func trees() throws -> [String] {
        guard FileSystem.exists(layout.trees) else { return [] }
        return try FileSystem.list(layout.trees).filter { !$0.hasPrefix(".") }
    }

    /// IDs of the trees that were rendered for an image.
    package func trees(of image: StoredImage) throws -> [String] {
        try index.read { database in
            try TreeRecord.filter(Column("image") == image.fullID.string).fetchAll(database).map(\.id)
        }
    }

    /// Removes trees, except those that are used and those that somebody asks for right now; missing ones are fine.
    ///
    /// - Parameter used: tells the IDs of trees to be kept. While it is asked nobody can take any of the others up.
    /// - Returns: IDs of those removed.
    package func removeTrees(_ ids: [String], unlessIn used: () throws -> Set<String>) throws -> [String] {
        try requirePrivateTrees()
        var removed: [String] = []
        // Each lock takes a descriptor.
        for start in stride(from: 0, to: ids.count, by: 128) {
            var locks: [String: FileLock] = [:]
            defer { for lock in locks.values { lock.release() } }
            for id in ids[start..<min(ids.count, start + 128)] {
                guard !id.isEmpty, !id.hasPrefix("."), FilePath(id).components.count == 1 else {
                    throw RuntimeError(.invalidArgument, "\"\(id)\" is not the ID of a tree")
                }
                locks[id] = try tryLockTree(id)
            }
            for id in try used() { locks.removeValue(forKey: id)?.release() }
            for (id, lock) in locks.sorted(by: { $0.key < $1.key }) {
                try index.write { _ = try TreeRecord.deleteOne($0, key: id) }
                try removeTreeDirectory(id)
                try FileSystem.remove(layout.lock(for: id))
                lock.release()
                removed.append(id)
            }
        }
        return removed
    }

    /// Writes the image with its dependencies into a new directory, without the store's trees.
    package func render(_ image: StoredImage, to directory: FilePath, rootfsOnly: Bool = false) throws {
        let resolver = try DependencyResolver(image, in: self)
        try write(resolver.layers, to: directory, rootfsOnly, name: image.name)
    }

    /// Writes the image's own contents into a new directory: no dependencies, no filtering.
    package func extract(_ image: StoredImage, to directory: FilePath, rootfsOnly: Bool = false) throws {
        let layer = DependencyResolver.Layer(id: image.fullID, whitelist: nil, inheritedWhitelists: [])
        try write([layer], to: directory, rootfsOnly, name: image.name)
    }

    // MARK: - Rendering

    static let renderPrefix = ".rendering-"
    /// The file beside `rootfs` that tells without the index whose tree this is: the image's ID.
    static let idFiles = ["image"]

    /// Renders into a directory beside the final one and renames it; the tree's lock is held.
    private func renderTree(_ id: String, _ resolver: DependencyResolver, _ image: StoredImage) throws {
        let (item, size) = try renderAside(resolver, image)
        try place(item, as: id, size, image)
    }

    /// Gives a tree its name, which nothing has; the tree's lock is held.
    func place(_ item: TemporaryItem, as id: String, _ size: Int64, _ image: StoredImage) throws {
        try item.move(to: layout.tree(for: id))
        try FileSystem.synchronize(layout.trees)
        try record(treeSize: size, of: id, image)
        try noteStamp(of: id)
    }

    func record(treeSize size: Int64, of id: String, _ image: StoredImage) throws {
        try index.write { try TreeRecord(id: id, image: image.fullID.string, size: size).upsert($0) }
    }

    /// A complete tree, on disk, that has no name yet.
    func renderAside(_ resolver: DependencyResolver, _ image: StoredImage) throws -> (TemporaryItem, size: Int64) {
        TemporaryItem.removeStale(in: layout.trees, prefix: ImageStore.renderPrefix)
        let item = try TemporaryItem(.directory, in: layout.trees, prefix: ImageStore.renderPrefix)
        let directory = try openDirectory(item.path)
        defer { try? directory.close() }
        // Until all is on disk.
        defer { progress?.end() }
        // Also takes the set-group-ID bit away that it has from its parent: the image's files belong to nobody's group.
        try mode(0o755, of: directory, item.path)
        let size = try render(resolver.layers, into: directory, rootfsOnly: false, name: image.name)
        for name in ImageStore.idFiles { try FileSystem.write(image.id.string.utf8, to: item.path.appending(name)) }
        do {
            try FileSystem.synchronize(fileSystemOf: directory)
        } catch {
            throw RuntimeError.systemCall("syncfs", item.path, error)
        }
        return (item, size + Int64(image.id.string.utf8.count))
    }

    private func write(
        _ layers: [DependencyResolver.Layer], to path: FilePath, _ rootfsOnly: Bool, name: String
    ) throws {
        try FileSystem.makeDirectory(path, mode: 0o700)
        do {
            let directory = try openDirectory(path)
            defer { try? directory.close() }
            defer { progress?.end() }
            // A root file system's own entry may set another mode.
            try mode(0o755, of: directory, path)
            _ = try render(layers, into: directory, rootfsOnly: rootfsOnly, name: name)
        } catch {
            do {
                try FileSystem.removeTree(path)
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
    }

    private func render(
        _ layers: [DependencyResolver.Layer], into directory: FileDescriptor, rootfsOnly: Bool, name: String
    ) throws -> Int64 {
        var archives: [ImageID: FileDescriptor] = [:]
        defer { for archive in archives.values { try? archive.close() } }
        for layer in layers where archives[layer.id] == nil {
            archives[layer.id] = try openBlob(image(matching: layer.id.string))
        }
        let renderLayers = layers.compactMap { layer in
            archives[layer.id].map {
                RenderLayer(
                    id: layer.id, archive: $0, whitelist: layer.whitelist,
                    inheritedWhitelists: layer.inheritedWhitelists)
            }
        }
        // Each layer is read to its end.
        let total = try renderLayers.reduce(0) { try $0 + FileSystem.status(of: $1.archive).size }
        return try TreeRenderer.render(
            renderLayers, into: directory, rootfsOnly: rootfsOnly, name: "image \(name)", limits: limits,
            onRead: progress?.begin("rendering \(name)", total: total))
    }

    private func openDirectory(_ path: FilePath) throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec, .noFollow])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
    }

    private func mode(_ mode: UInt32, of directory: FileDescriptor, _ path: FilePath) throws {
        do {
            try FileSystem.setMode(mode, of: directory)
        } catch {
            throw RuntimeError.systemCall("chmod", path, error)
        }
    }

    // MARK: - Trees on disk

    /// The size of a tree; nil when there is none. One that the index has lost is measured and entered again: pods may
    /// be using it.
    private func treeSize(_ id: String, _ image: StoredImage) throws -> Int64? {
        let path = layout.tree(for: id)
        guard FileSystem.exists(path) else { return nil }
        if let size = try index.read({ try TreeRecord.fetchOne($0, key: id)?.size }) { return size }
        let size = try TreeComparison.apparentSize(of: path)
        try record(treeSize: size, of: id, image)
        return size
    }

    /// Takes the name away first, so that half a tree is never found under it.
    func removeTreeDirectory(_ id: String) throws {
        guard FileSystem.exists(layout.tree(for: id)) else { return }
        let aside = layout.trees.appending(
            ImageStore.renderPrefix + String(UInt64.random(in: .min ... .max), radix: 16))
        try FileSystem.rename(layout.tree(for: id), to: aside, replace: false)
        try FileSystem.removeTree(aside)
    }

    /// Trees end up as root's file systems: nobody else may have a hand in them.
    func requirePrivateTrees() throws {
        for directory in [layout.trees, layout.locks] {
            guard FileSystem.exists(directory), try FileSystem.status(directory).uid == geteuid() else {
                throw RuntimeError(
                    .permissionDenied,
                    "permission denied: images are rendered below \(directory), which must belong to the user who "
                        + "renders; run as root")
            }
        }
    }

    // MARK: - Locks

    func lockTree(_ id: String, _ mode: FileLock.Mode) throws -> FileLock {
        while true {
            if let lock = try withLockFile(id, { try FileLock.acquire($0, mode) }) { return lock }
        }
    }

    func tryLockTree(_ id: String) throws -> FileLock? {
        while true {
            var isBusy = false
            let lock = try withLockFile(id) { path in
                let lock = try FileLock.tryAcquire(path, .exclusive)
                isBusy = lock == nil
                return lock
            }
            if lock != nil || isBusy { return lock }
        }
    }

    /// The lock; nil if its file was removed together with its tree before it was ours.
    private func withLockFile(_ id: String, _ acquire: (FilePath) throws -> FileLock?) throws -> FileLock? {
        let path = layout.lock(for: id)
        let descriptor = open(path.string, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        close(descriptor)
        do {
            guard let lock = try acquire(path) else { return nil }
            let isSame = try FileSystem.status(path).inode == FileSystem.status(of: lock.descriptor).inode
            return isSame ? lock : nil
        } catch let error as RuntimeError where error.code == .notFound {
            return nil
        }
    }
}
