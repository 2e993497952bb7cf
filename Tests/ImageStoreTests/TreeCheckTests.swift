// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import ImageStore
import LinuxPlatform
import Synchronization
import SystemPackage
import TestSupport
import Testing

struct TreeCheckTests {
    private let fixture: StoreFixture
    private var store: ImageStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    /// Counts the trees that are found damaged.
    private final class Damage: Sendable {
        private let count = Mutex(0)
        var number: Int { count.withLock { $0 } }

        func check(inUse: Bool = false) -> TreeCheck {
            TreeCheck(isInUse: { _ in inUse }, onDamage: { [self] _ in count.withLock { $0 += 1 } })
        }
    }

    private func image() throws -> StoredImage {
        try fixture.image("example.com/app") {
            $0.add("rootfs/dir", .directory)
            $0.add("rootfs/dir/file", "original", mode: 0o644)
            $0.add("rootfs/dir/link", .symbolicLink, link: "file")
            $0.add("rootfs/dir/other", .hardLink, link: "rootfs/dir/file")
        }
    }

    enum Change: CaseIterable {
        case byte, byteWithOldTime, added, removed, mode, directoryMode, link, hardLink, attribute, manifest

        func make(in tree: RenderedTree) throws {
            let directory = tree.rootfs.appending("dir")
            let file = directory.appending("file")
            switch self {
            case .byte: try FileSystem.write("Original".utf8, to: file)
            case .byteWithOldTime:
                let time = try FileSystem.status(file).modificationTime
                try FileSystem.write("Original".utf8, to: file)
                let value = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
                #expect(utimensat(AT_FDCWD, file.string, [value, value], 0) == 0)
            case .added: try FileSystem.write([], to: directory.appending("added"))
            case .removed: try FileSystem.remove(directory.appending("link"))
            case .mode: #expect(chmod(file.string, 0o666) == 0)
            case .directoryMode: #expect(chmod(directory.string, 0o777) == 0)
            case .link:
                try FileSystem.remove(directory.appending("link"))
                try FileSystem.makeSymbolicLink(to: "elif", at: directory.appending("link"))
            case .hardLink:
                try FileSystem.remove(directory.appending("other"))
                try FileSystem.write("original".utf8, to: directory.appending("other"))
            case .attribute: try ExtendedAttributes.set("user.a", [1], of: file)
            case .manifest: try FileSystem.write("{}".utf8, to: tree.path.appending("manifest"))
            }
        }
    }

    @Test(arguments: Change.allCases) func `a changed tree is rendered anew`(change: Change) throws {
        let image = try image()
        let damage = Damage()
        let tree = try store.rendered(image)
        #expect(try store.rendered(image, check: damage.check()).id == tree.id)
        #expect(damage.number == 0)
        do {
            try change.make(in: tree)
        } catch let error as RuntimeError where change == .attribute && error.code == .unsupported {
            return
        }
        // The tree is held for as long as it is used; who checks it waits.
        tree.lock.release()
        let repaired = try store.rendered(image, check: damage.check())
        #expect(damage.number == 1)
        #expect(repaired.id == tree.id)
        #expect(try FileSystem.readText(repaired.rootfs.appending("dir/file")) == "original")
        #expect(try FileSystem.list(repaired.rootfs.appending("dir")) == ["file", "link", "other"])
        #expect(try FileSystem.status(repaired.rootfs.appending("dir/file")).mode == 0o644)
        #expect(try FileSystem.status(repaired.rootfs.appending("dir/file")).linkCount == 2)
        #expect(try fixture.leftovers() == [])
        _ = try store.rendered(image, check: damage.check())
        #expect(damage.number == 1)
    }

    @Test func `a tree is taken as it is when nobody wants it checked`() throws {
        let image = try image()
        let tree = try store.rendered(image)
        try Change.added.make(in: tree)
        #expect(FileSystem.exists(try store.rendered(image).rootfs.appending("dir/added")))
    }

    @Test func `a copied store needs no new trees`() throws {
        let image = try image()
        let inode = try FileSystem.status(try store.rendered(image).path).inode
        let copy = fixture.scratch.appending("copy")
        _ = try Program.output("cp", "-a", fixture.scratch.appending("data").string, copy.string)
        let other = try ImageStore(dataDirectory: copy)
        let damage = Damage()
        let first = try other.rendered(image, check: damage.check())
        #expect(damage.number == 0)
        #expect(try FileSystem.status(first.path).inode != inode)
        let again = try other.rendered(image, check: damage.check())
        #expect(try FileSystem.status(again.path).inode == FileSystem.status(first.path).inode)
    }

    @Test func `pods keep the tree they run from`() throws {
        let image = try image()
        let tree = try store.rendered(image)
        try Change.byte.make(in: tree)
        tree.lock.release()
        let damage = Damage()
        _ = try store.rendered(image, check: damage.check(inUse: true))
        #expect(damage.number == 1)
        #expect(try store.trees() == [tree.id])
        let kept = try fixture.leftovers()
        #expect(kept.count == 1)
        let file = store.layout.trees.appending(kept[0]).appending("rootfs/dir/file")
        #expect(try FileSystem.readText(file) == "Original")
        try store.removeReplacedTrees(except: [tree.id])
        #expect(try fixture.leftovers() == kept)
        try store.removeReplacedTrees(except: [])
        #expect(try fixture.leftovers() == [])
    }

    @Test func `the tree of a prepared pod is checked by its ID`() throws {
        let image = try image()
        let tree = try store.rendered(image)
        tree.lock.release()
        let damage = Damage()
        try store.checkTree(id: tree.id, damage.check())
        try Change.mode.make(in: tree)
        try store.checkTree(id: tree.id, damage.check())
        #expect(damage.number == 1)
        try store.remove(image)
        try store.checkTree(id: tree.id, damage.check())
        try Change.mode.make(in: tree)
        let error = #expect(throws: RuntimeError.self) { try store.checkTree(id: tree.id, damage.check()) }
        #expect(error?.code == .invalidState)
        #expect(error?.message.contains("prepare the pod again, or use --insecure-options=ondisk") == true)
    }
}
