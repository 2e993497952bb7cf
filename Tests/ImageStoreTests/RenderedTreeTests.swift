// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import ImageArchive
import ImageStore
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct RenderedTreeTests {
    let fixture: StoreFixture
    var store: ImageStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    @Test func rendersOnceAndRecordsTheSize() throws {
        let image = try fixture.image("example.com/app") { $0.add("rootfs/f", "0123456789") }
        let tree = try store.rendered(image)
        #expect(try FileSystem.list(tree.path) == ["image", "manifest", "rootfs"])
        #expect(try FileSystem.readText(tree.rootfs.appending("f")) == "0123456789")
        #expect(try FileSystem.readText(tree.path.appending("image")) == image.id.string)
        let inode = try FileSystem.status(tree.path).inode
        let again = try fixture.reopened().rendered(image)
        #expect(again.id == tree.id)
        #expect(try FileSystem.status(again.path).inode == inode)
        #expect(try store.trees() == [tree.id])
        let sum = String(decoding: try Program.output("du", "-sb", tree.path.string), as: UTF8.self)
        #expect(sum.split(separator: "\t").first == "\(tree.size)")
        let stored = try store.image(matching: image.id.string)
        #expect(stored.treeSize == tree.size)
        #expect(stored.lastUsed > image.lastUsed)
        #expect(try fixture.leftovers() == [])
    }

    @Test(.enabled(if: geteuid() == 0))
    func theStoresGroupDoesNotOwnTheImagesFiles() throws {
        let data = fixture.scratch.appending("shared")
        try FileSystem.makeDirectory(data)
        #expect(chown(data.string, 0, 65_534) == 0 && chmod(data.string, 0o2750) == 0)
        let store = try ImageStore(dataDirectory: data)
        let image = try store.importImage(at: fixture.file("example.com/app") { $0.add("rootfs/implied/f", "x") })
        #expect(try FileSystem.status(store.layout.blob(for: image.id)).gid == 65_534)
        let directory = try FileSystem.status(store.rendered(image).rootfs.appending("implied"))
        #expect(directory.gid == getegid() && directory.mode == 0o755)
    }

    @Test func namesNeedNotBeText() throws {
        let image = try fixture.image("example.com/app") { tar in
            tar.add(Array("rootfs/dir/".utf8) + [0xe9, 0x74, 0xe9], .file, contents: [1])
            tar.add(Array("rootfs/".utf8) + [0xff], .directory, mode: 0o755)
            tar.add(Array("rootfs/".utf8) + [0xff, 0x2f, 0x61], .file, contents: [2])
        }
        let tree = try store.rendered(image)
        let root = try FileDescriptor.open(tree.rootfs, .readOnly)
        defer { try? root.close() }
        #expect(try FileSystem.names(in: root).contains { !$0.string.utf8.elementsEqual("dir".utf8) })
        #expect(try store.verify(image) == .intact)
        // Reading a tree back takes all names as they are.
        try FileSystem.remove(store.layout.database)
        let other = try fixture.reopened()
        let again = try other.importImage(at: fixture.scratch.appending("image.aci"))
        #expect(try other.rendered(again).size == tree.size)
        _ = try Program.output("rm", "-rf", fixture.scratch.path.string)
    }

    @Test func aTreeIsKeptWhileItIsUsed() throws {
        let image = try fixture.image("example.com/app")
        var tree: RenderedTree? = try store.rendered(image)
        let id = try #require(tree?.id)
        #expect(try store.removeTrees([id]) { [] } == [])
        tree = nil
        #expect(try store.removeTrees([id]) { [id] } == [])
        #expect(try store.trees() == [id])
        #expect(try store.removeTrees([id]) { [] } == [id])
        #expect(try store.trees() == [])
        #expect(try store.image(matching: image.id.string).treeSize == 0)
        #expect(try FileSystem.list(store.layout.locks) == [])
        #expect(fixture.message { try store.removeTrees(["../blob"]) { [] } }.contains("is not the ID of a tree"))
        #expect(try store.rendered(image).id == id)
    }

    @Test func aTreeOutlivesItsImage() throws {
        let image = try fixture.image("example.com/app") { $0.add("rootfs/f", "x") }
        let tree = try store.rendered(image)
        try store.remove(image)
        #expect(try FileSystem.readText(tree.rootfs.appending("f")) == "x")
        #expect(try store.trees() == [tree.id])
    }

    @Test func dependenciesLieBelowTheImageInOrder() throws {
        func dependencies(_ names: String...) -> String {
            ",\"dependencies\":[" + names.map { "{\"imageName\":\"\($0)\"}" }.joined(separator: ",") + "]"
        }
        // app → [b, c], c → [d]: laid down as b, d, c, app.
        func add(_ name: String, _ files: String..., extra: String = "") throws -> StoredImage {
            try fixture.image("example.com/\(name)", extra: extra) { tar in
                for file in files { tar.add("rootfs/\(file)", name) }
            }
        }
        _ = try add("b", "all", "bcd", "bd", "b")
        _ = try add("d", "all", "bcd", "bd", "d")
        _ = try add("c", "all", "bcd", extra: dependencies("example.com/d"))
        let app = try add("app", "all", extra: dependencies("example.com/b", "example.com/c"))
        let tree = try store.rendered(app)
        let contents = try ["all", "bcd", "bd", "b", "d"].map {
            try FileSystem.readText(tree.rootfs.appending($0))
        }
        #expect(contents == ["app", "c", "d", "b", "d"])

        // A new version of a dependency makes another tree.
        _ = try fixture.image("example.com/d", version: "2")
        let newer = try store.rendered(app)
        #expect(newer.id != tree.id)
        #expect(try store.trees().count == 2)
        #expect(try store.image(matching: app.id.string).treeSize == tree.size + newer.size)
    }

    @Test func whatAnImageDependsOnIsUsedWithIt() throws {
        let base = try fixture.image("example.com/base")
        let other = try fixture.image("example.com/other")
        let app = try fixture.image(
            "example.com/app", extra: ",\"dependencies\":[{\"imageName\":\"example.com/base\"}]")
        #expect(store.parts(of: app) == [app.fullID, base.fullID])
        _ = try store.rendered(app)
        #expect(try store.image(matching: base.id.string).lastUsed > app.lastUsed)
        #expect(try store.image(matching: other.id.string).lastUsed == other.lastUsed)
        try store.remove(base)
        #expect(store.parts(of: app) == [app.fullID])
    }

    @Test func aDependencyByIDIsThatImage() throws {
        let old = try fixture.image("example.com/base", version: "1") { $0.add("rootfs/f", "old") }
        try fixture.image("example.com/base", version: "2") { $0.add("rootfs/f", "new") }
        let extra = ",\"dependencies\":[{\"imageName\":\"example.com/base\",\"imageID\":\"\(old.fullID)\"}]"
        let app = try fixture.image("example.com/app", extra: extra)
        #expect(try FileSystem.readText(store.rendered(app).rootfs.appending("f")) == "old")
        try store.remove(old)
        #expect(fixture.message { try store.rendered(app) }.contains("\(old.id.short), which is not in the store"))
    }

    @Test func missingAndCircularDependenciesAreNamed() throws {
        let lonely = try fixture.image(
            "example.com/lonely", extra: ",\"dependencies\":[{\"imageName\":\"example.com/x\"}]")
        #expect(
            fixture.message { try store.rendered(lonely) }
                .contains("example.com/lonely depends on example.com/x, which is not in the store"))
        let one = try fixture.image("example.com/one", extra: ",\"dependencies\":[{\"imageName\":\"example.com/two\"}]")
        try fixture.image("example.com/two", extra: ",\"dependencies\":[{\"imageName\":\"example.com/one\"}]")
        #expect(
            fixture.message { try store.rendered(one) }.contains("cycle: example.com/one → example.com/two"))
        #expect(try store.trees() == [])
    }

    @Test func sharedDependenciesDoNotMultiply() throws {
        // Thirty layers of diamonds: two to the thirtieth ways to the bottom.
        try fixture.image("example.com/n0")
        for level in 1...30 {
            let below = "example.com/n\(level - 1)"
            try fixture.image(
                "example.com/n\(level)",
                extra: ",\"dependencies\":[{\"imageName\":\"\(below)\"},{\"imageName\":\"\(below)\"}]")
        }
        let top = try #require(try store.image(named: ImageName(parsing: "example.com/n30")))
        _ = try store.rendered(top)
    }

    @Test func aFailedRenderLeavesNothing() throws {
        let id = try fixture.image("example.com/app") {
            $0.add("rootfs/f", "x")
            $0.add("rootfs/g", "x")
        }.id.string
        // An image that came in when more was allowed.
        let store = try ImageStore(
            dataDirectory: fixture.scratch.appending("data"), limits: ArchiveLimits(entries: 3))
        let image = try store.image(matching: id)
        #expect(fixture.message { try store.rendered(image) }.contains("holds more than 3 entries"))
        #expect(try store.trees() == [])
        #expect(try fixture.leftovers() == [])
        let target = fixture.scratch.appending("target")
        #expect(fixture.message { try store.render(image, to: target) } != "no error")
        #expect(!FileSystem.exists(target))
    }

    @Test func extractsAndRendersIntoADirectory() throws {
        try fixture.image("example.com/base") { $0.add("rootfs/base", "x") }
        let extra = ",\"dependencies\":[{\"imageName\":\"example.com/base\"}],\"pathWhitelist\":[\"/base\"]"
        let app = try fixture.image("example.com/app", extra: extra) { $0.add("rootfs/own", "x") }
        let (own, all, root) = (
            fixture.scratch.appending("own"), fixture.scratch.appending("all"), fixture.scratch.appending("root")
        )
        try store.extract(app, to: own)
        try store.render(app, to: all)
        try store.render(app, to: root, rootfsOnly: true)
        #expect(try FileSystem.list(own) == ["manifest", "rootfs"])
        #expect(try FileSystem.list(own.appending("rootfs")) == ["own"])
        #expect(try FileSystem.list(all.appending("rootfs")) == ["base"])
        #expect(try FileSystem.list(root) == ["base"])
        #expect(fixture.message { try store.extract(app, to: own) } != "no error")
        #expect(try FileSystem.list(own) == ["manifest", "rootfs"])
    }

    @Test func verifyRepairsATamperedTree() throws {
        let image = try fixture.image("example.com/app") {
            $0.add("rootfs/f", "original")
            $0.add("rootfs/implied/g", "x")
        }
        #expect(try store.verify(image) == .notRendered)
        let path = try store.rendered(image).path
        #expect(try store.verify(image) == .intact)
        try FileSystem.write("tampered".utf8, to: path.appending("rootfs/f"))
        #expect(try store.verify(image) == .repaired("rootfs/f"))
        #expect(try FileSystem.readText(path.appending("rootfs/f")) == "original")
        #expect(try store.verify(image) == .intact)
        try FileSystem.write("new".utf8, to: path.appending("rootfs/implied/added"))
        #expect(try store.verify(image) == .repaired("rootfs/implied/added"))
        #expect(try store.verify(image) == .intact)
        #expect(try fixture.leftovers() == [])
    }

    @Test func verifyNoticesADamagedArchive() throws {
        let image = try fixture.image("example.com/app") { $0.add("rootfs/f", "original") }
        var bytes = try FileSystem.read(store.layout.blob(for: image.id))
        bytes[1600] ^= 1
        try FileSystem.write(bytes, to: store.layout.blob(for: image.id), mode: 0o640)
        #expect(fixture.message { try store.verify(image) }.contains("is damaged"))
        #expect(fixture.message { try store.rendered(image) }.contains("is damaged"))
        #expect(try fixture.leftovers() == [])
    }

    @Test func aTreeTheIndexHasLostIsTakenUpAgain() throws {
        let path = try fixture.file("example.com/app") { $0.add("rootfs/f", "x") }
        let first = try store.rendered(store.importImage(at: path))
        try FileSystem.remove(store.layout.database)
        let other = try fixture.reopened()
        let second = try other.rendered(other.importImage(at: path))
        #expect(second.id == first.id && second.size == first.size)
    }
}
