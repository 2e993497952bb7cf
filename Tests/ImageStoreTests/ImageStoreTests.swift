// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import ImageStore
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct ImageStoreTests {
    let fixture: StoreFixture
    var store: ImageStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    @Test func importsAnImageAndFindsItAgain() throws {
        let path = try fixture.file("example.com/app", version: "2.0") { $0.add("rootfs/f", "x") }
        let image = try store.importImage(at: path)
        let sum = String(decoding: try Program.output("sha512sum", input: path), as: UTF8.self).prefix(128)
        #expect(image.fullID.string == "sha512-\(sum)")
        #expect(image.id.string == "sha512-\(sum.prefix(64))")
        #expect(image.name == "example.com/app" && image.version == "2.0")
        #expect(image.size == (try FileSystem.status(path).size))
        #expect(image.treeSize == 0)

        let other = try fixture.reopened()
        #expect(try other.images() == [image])
        #expect(try other.image(matching: "sha512-\(sum.prefix(5))") == image)
        #expect(try other.image(matching: image.fullID.string) == image)
        #expect(try other.manifest(of: image).name.string == "example.com/app")
        let blob = store.layout.blob(for: image.id)
        #expect(blob.string.hasSuffix("/cas/blob/sha512/\(sum.prefix(2))/sha512-\(sum.prefix(64))"))
        #expect(try FileSystem.read(blob) == FileSystem.read(path))
        #expect(try fixture.leftovers() == [])
    }

    @Test func theSameImageIsStoredOnce() throws {
        let first = try fixture.image("example.com/app")
        let newer = try fixture.image("example.com/other")
        let again = try fixture.image("example.com/app")
        #expect(again.id == first.id)
        #expect(try store.images().map(\.name) == ["example.com/other", "example.com/app"])
        #expect(again.importTime > newer.importTime)
        #expect(try fixture.leftovers() == [])
    }

    @Test func shortIDsMustBeLongEnoughKnownAndUnambiguous() throws {
        // With 20 images, two begin with the same digit; the first two digits are tried as they come.
        let images = try (0..<20).map { try fixture.image("example.com/app", version: "\($0)") }
        #expect(fixture.message { try store.image(matching: "sha512-") }.contains("image ID too short"))
        #expect(fixture.message { try store.image(matching: "sha512-a") }.contains("image ID too short"))
        #expect(fixture.message { try store.image(matching: "sha256-abc") }.contains("is not an image ID"))
        #expect(fixture.message { try store.image(matching: "sha512-xyz") }.contains("is not an image ID"))
        let unknown = String(repeating: "0", count: 40)
        #expect(fixture.message { try store.image(matching: "sha512-\(unknown)") }.contains("no image IDs found"))
        for image in images {
            let prefix = String(image.id.string.prefix(9))
            let matches = images.filter { $0.id.string.hasPrefix(prefix) }
            if matches.count == 1 {
                #expect(try store.image(matching: prefix.uppercased().replacing("SHA", with: "sha")) == image)
            } else {
                #expect(fixture.message { try store.image(matching: prefix) }.contains("ambiguous image ID"))
            }
        }
    }

    @Test func aNameFindsTheImageImportedLastUnlessOneIsLatest() throws {
        let name = try ImageName(parsing: "example.com/app")
        #expect(try store.image(named: name) == nil)
        let latest = try fixture.image("example.com/app", version: "1", isLatest: true)
        let newest = try fixture.image("example.com/app", version: "2")
        try fixture.image("example.com/app2", version: "3")
        #expect(try store.image(named: name)?.id == latest.id)
        #expect(try store.image(named: ImageName(parsing: "example.com/app:2"))?.id == newest.id)
        #expect(try store.image(named: ImageName(parsing: "example.com/app:"))?.id == latest.id)
        #expect(try store.image(named: ImageName(parsing: "example.com/app:4")) == nil)
        #expect(try store.image(named: ImageName(parsing: "example.com/app,os=linux")) == nil)
        try store.remove(latest)
        #expect(try store.image(named: name)?.id == newest.id)
    }

    @Test func removingForgetsTheImageAndItsArchive() throws {
        let image = try fixture.image("example.com/app")
        let opened = try store.openBlob(image)
        defer { try? opened.close() }
        try store.remove(image)
        #expect(try store.images() == [])
        #expect(!FileSystem.exists(store.layout.blob(for: image.id)))
        #expect(fixture.message { try store.openBlob(image) }.contains("not in the store any more"))
        #expect(fixture.message { try store.remove(image) }.contains("not in the store any more"))
        #expect(fixture.message { try store.manifest(of: image) }.contains("not in the store any more"))
        #expect(try fixture.image("example.com/app").id == image.id)
        try FileSystem.remove(store.layout.blob(for: image.id))
        #expect(fixture.message { try store.openBlob(image) }.contains("is gone from the store; fetch it again"))
    }

    @Test func whatIsKnownAboutARemovedImageIsNotNoted() throws {
        let image = try fixture.image("example.com/app")
        try store.remove(image)
        try store.note(StoredOrigin(point: "cimd:aci-archive:v=0:x"), of: image)
        #expect(try store.image(from: "cimd:aci-archive:v=0:x") == nil)
    }

    @Test func whatACrashHasLeftOfTreesIsRemoved() throws {
        let image = try fixture.image("example.com/app")
        let lost = try store.rendered(image).id
        // The directory is gone, its row and its lock file are not; and there is a lock file of a tree never rendered.
        try FileSystem.removeTree(store.layout.tree(for: lost))
        try FileSystem.write([], to: store.layout.lock(for: "deps-never"))
        #expect(try store.images().map(\.treeSize) != [0])
        try store.removeLeftovers()
        #expect(try store.images().map(\.treeSize) == [0])
        #expect(try FileSystem.list(store.layout.locks) == [])
        #expect(try store.trees(of: image) == [])
    }

    /// As many as a manifest can hold: the time they take must grow with their number and not with its square.
    @Test func anImageMayHaveManyLabels() throws {
        let count = 110_000
        let labels = (0..<count).map { "{\"name\":\"l\($0)\",\"value\":\"\"}" }.joined(separator: ",")
        let manifest = """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/app","labels":[\(labels)]}
            """
        let path = fixture.scratch.appending("image.aci")
        try FileSystem.write(TarFixture.image(manifest).bytes(), to: path)
        let start = cpuTime()
        _ = try store.importImage(at: path)
        for _ in 0..<8 { #expect(try store.images().map(\.labels.count) == [count]) }
        #expect(cpuTime() - start < 20_000_000_000)
    }

    @Test func aRefusedImageLeavesNothing() throws {
        let path = fixture.scratch.appending("bad.aci")
        var tar = TarFixture.image()
        tar.add("rootfs/../../x", "x")
        for bytes in [[], Array("text".utf8), tar.bytes(), Array(TarFixture.image().bytes().prefix(600))] {
            try FileSystem.write(bytes, to: path)
            #expect(fixture.message { try store.importImage(at: path) }.contains(path.string))
        }
        #expect(fixture.message { try store.importImage(at: "/nonexistent") }.contains("/nonexistent"))
        #expect(fixture.message { try store.importImage(at: fixture.scratch.path) }.contains("is a directory"))
        #expect(try store.images() == [])
        #expect(try fixture.leftovers() == [])
        #expect(try FileSystem.list(store.layout.blobs) == [])
    }

    @Test func anUnfinishedImportIsInvisibleAndCleanedUp() throws {
        // What a killed importer leaves: a file without a lock. A living one's is locked.
        try FileSystem.write("half".utf8, to: store.layout.temporary.appending("import-dead"))
        try FileSystem.write("half".utf8, to: store.layout.temporary.appending("import-alive"))
        let lock = try FileLock.acquire(store.layout.temporary.appending("import-alive"), .exclusive)
        try fixture.image("example.com/app")
        #expect(try fixture.leftovers() == ["import-alive"])
        lock.release()
        try store.removeLeftovers()
        #expect(try fixture.leftovers() == [])
    }

    @Test func removesArchivesTheIndexDoesNotKnow() throws {
        let image = try fixture.image("example.com/app")
        let stray = store.layout.blobs.appending("00")
        try FileSystem.makeDirectories(stray)
        try FileSystem.write("x".utf8, to: stray.appending("sha512-00"))
        try store.removeLeftovers()
        #expect(try FileSystem.list(stray) == [])
        #expect(FileSystem.exists(store.layout.blob(for: image.id)))
    }

    @Test func anUnchangedFileIsNotReadAgain() throws {
        let path = try fixture.file("example.com/stage1")
        usleep(50_000)
        let first = try store.importImage(at: path, reusingUnchanged: true)
        // Were it read again, it would now be the one imported last.
        #expect(try store.importImage(at: path, reusingUnchanged: true) == first)
        #expect(try store.importImage(at: path).importTime > first.importTime)
        // Another file under the same path, or a removed image, is read.
        try FileSystem.remove(path)
        _ = try fixture.file("example.com/stage1", version: "2")
        usleep(50_000)
        let second = try store.importImage(at: path, reusingUnchanged: true)
        #expect(second.version == "2")
        try store.remove(second)
        #expect(try store.importImage(at: path, reusingUnchanged: true).id == second.id)
        #expect(try store.images().count == 2)
    }

    @Test(.enabled(if: geteuid() == 0))
    func theStoreIsForRootAndItsGroup() throws {
        let image = try fixture.image("example.com/app")
        _ = try store.rendered(image)
        let layout = store.layout
        for directory in [layout.cas, layout.databaseDirectory, layout.blobs, layout.temporary] {
            #expect(try FileSystem.status(directory).mode == 0o2770, "\(directory)")
        }
        #expect(try FileSystem.status(layout.trees).mode == 0o2700)
        #expect(try FileSystem.status(layout.database).mode == 0o660)
        #expect(try FileSystem.status(layout.blob(for: image.id)).mode == 0o640)
        #expect(try FileSystem.status(layout.blob(for: image.id).removingLastComponent()).mode == 0o2770)
    }

    @Test func aDamagedIndexIsNamed() throws {
        try FileSystem.write(Array(repeating: 0x61, count: 5000), to: store.layout.database)
        let message = fixture.message { try fixture.reopened().images() }
        #expect(message.contains("images.sqlite") && message.contains("move it away"), "\(message)")
    }

    @Test func anUnusableDataDirectoryIsNamed() throws {
        try FileSystem.write([], to: fixture.scratch.appending("file"))
        let path = fixture.scratch.appending("file/data")
        #expect(fixture.message { try ImageStore(dataDirectory: path) }.contains("\(path)"))
    }
}

/// The processor time that this thread has taken, in nanoseconds: other tests may keep the processors busy.
private func cpuTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
