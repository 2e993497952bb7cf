// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct TreeRendererTests {
    let fixture: ArchiveFixture

    /// CAP_SETGID, permitted: a version 2 file capability of capabilities(7).
    static let capability = "\u{0}\u{0}\u{0}\u{2}\u{40}" + String(repeating: "\u{0}", count: 15)

    init() throws { fixture = try ArchiveFixture() }

    @Test func unpacksFilesLinksAndTimes() throws {
        var tar = TarFixture.image()
        tar.add("rootfs/dir", .directory, mode: 0o750, time: 1_111_111_111)
        tar.add("rootfs/dir/file", "contents", mode: 0o640)
        tar.add("rootfs/link", .symbolicLink, link: "//dir//./file/", time: 1_222_222_222)
        tar.add("rootfs/hard", .hardLink, link: "./rootfs/dir/file")
        tar.add("rootfs/pipe", .fifo, mode: 0o622)
        tar.add("rootfs/implied/deep/file", "deep")
        let (tree, size): (FilePath, Int64) = try fixture.render([.init(tar: tar)])
        let root = tree.appending("rootfs")
        #expect(try FileSystem.readText(tree.appending("manifest")) == TarFixture.manifest())
        let directory = try FileSystem.status(root.appending("dir"))
        #expect(directory.mode == 0o750)
        #expect(directory.modificationTime == 1_111_111_111_000_000_000)
        let file = try FileSystem.status(root.appending("dir/file"))
        #expect(try FileSystem.readText(root.appending("dir/file")) == "contents")
        #expect(file.mode == 0o640)
        #expect(file.modificationTime == 1_000_000_000_000_000_000)
        #expect(try FileSystem.readSymbolicLink(root.appending("link")) == "//dir//./file/")
        #expect(try FileSystem.status(root.appending("link")).modificationTime == 1_222_222_222_000_000_000)
        #expect(try FileSystem.status(root.appending("hard")).inode == file.inode)
        #expect(try FileSystem.status(root.appending("pipe")).type == .fifo)
        #expect(try FileSystem.status(root.appending("pipe")).mode == 0o622)
        #expect(try FileSystem.status(root.appending("implied/deep")).mode == 0o755)
        if Program.path(of: "du") != nil {
            let sum = String(decoding: try Program.output("du", "-sb", tree.string), as: UTF8.self)
            #expect(sum.split(separator: "\t").first == "\(size)")
        }
    }

    @Test(.enabled(if: geteuid() == 0))
    func restoresOwnersModesDevicesAndAttributes() throws {
        var tar = TarFixture.image()
        tar.add(
            Array("rootfs/ping".utf8), .file, mode: 0o4755, uid: 1234, gid: 4321, contents: [1, 2, 3],
            attributes: [
                ("user.note", "hello"), ("trusted.secret", "x"), ("user.overlay.opaque", "y"),
                ("security.capability", TreeRendererTests.capability),
            ])
        tar.add("rootfs/zero", .characterDevice, mode: 0o666, device: (1, 5))
        tar.add("rootfs/disk", .blockDevice, mode: 0o660, gid: 6, device: (259, 1))
        tar.add("rootfs/link", .symbolicLink, link: "x", uid: 7, gid: 8)
        let root = try fixture.render(tar).appending("rootfs")
        let file = try FileSystem.status(root.appending("ping"))
        #expect((file.uid, file.gid, file.mode) == (1234, 4321, 0o4755))
        let attributes = try ["user.note", "trusted.secret", "user.overlay.opaque", "security.capability"].map {
            try FileSystem.extendedAttribute($0, of: root.appending("ping"))
        }
        #expect(attributes == [Array("hello".utf8), Array("x".utf8), nil, Array(TreeRendererTests.capability.utf8)])
        let zero = try FileSystem.status(root.appending("zero"))
        #expect(zero.type == .characterDevice && zero.mode == 0o666 && zero.specialDevice == 0x105)
        let disk = try FileSystem.status(root.appending("disk"))
        #expect(disk.type == .blockDevice && disk.gid == 6)
        let link = try FileSystem.status(root.appending("link"))
        #expect((link.uid, link.gid) == (7, 8))
    }

    @Test(.enabled(if: Program.path(of: "tar") != nil))
    func unpacksWhatTarMakes() throws {
        let source = fixture.scratch.appending("source")
        try FileSystem.makeDirectories(source.appending("rootfs/sub"))
        try FileSystem.write(TarFixture.manifest().utf8, to: source.appending("manifest"))
        let sparse = try FileDescriptor.open(
            source.appending("rootfs/sparse"), .writeOnly, options: [.create], permissions: [.ownerReadWrite])
        try sparse.writeAll(toAbsoluteOffset: 3 << 20, "middle".utf8)
        try sparse.resize(to: 8 << 20)
        try sparse.close()
        try FileSystem.write("ü".utf8, to: source.appending("rootfs/sub/naïve ☃"))
        for format in ["--format=pax", "--format=gnu"] {
            let archive = try Program.output("tar", "-S", format, "-c", "-C", source.string, "manifest", "rootfs")
            _ = try fixture.importing(archive)
            let path = fixture.scratch.appending("archive")
            try FileSystem.write(archive, to: path)
            let target = fixture.scratch.appending("out\(format)")
            try FileSystem.makeDirectory(target)
            let directory = try FileDescriptor.open(target, .readOnly, options: [.directory])
            let file = try FileDescriptor.open(path, .readOnly)
            defer {
                try? file.close()
                try? directory.close()
            }
            let layer = RenderLayer(id: try fixture.importing(archive).imageID, archive: file)
            _ = try TreeRenderer.render([layer], into: directory, name: "tree")
            let root = target.appending("rootfs")
            let contents = try FileSystem.read(root.appending("sparse"))
            #expect(contents == (try FileSystem.read(source.appending("rootfs/sparse"))))
            var status = stat()
            stat(root.appending("sparse").string, &status)
            #expect(status.st_blocks * 512 < 1 << 20, "the holes of a sparse file must stay holes")
            #expect(try FileSystem.readText(root.appending("sub/naïve ☃")) == "ü")
        }
    }

    @Test func neverLeavesTheTarget() throws {
        let outside = fixture.scratch.appending("outside")
        try FileSystem.makeDirectory(outside)
        var tar = TarFixture.image()
        tar.add("rootfs/escape", .symbolicLink, link: outside.string)
        tar.add("rootfs/escape/planted", "bad")
        tar.add("rootfs/escape/dir/planted", "bad")
        tar.add("rootfs/up", .symbolicLink, link: "../..")
        tar.add("rootfs/up/outside/planted", "bad")
        tar.add("rootfs/own", .directory)
        tar.add("rootfs/inner", .symbolicLink, link: "own")
        tar.add("rootfs/inner/file", "dropped as well")
        let root = try fixture.render(tar).appending("rootfs")
        #expect(try FileSystem.list(outside) == [])
        #expect(try FileSystem.list(root.appending("own")) == [])
        #expect(try FileSystem.readSymbolicLink(root.appending("escape")) == outside.string)
    }

    @Test func aHardLinkThroughALinkDoesNotReachOut() throws {
        let secret = fixture.scratch.appending("secret")
        try FileSystem.makeDirectory(secret)
        try FileSystem.write("secret".utf8, to: secret.appending("file"))
        var tar = TarFixture.image()
        tar.add("rootfs/out", .symbolicLink, link: secret.string)
        tar.add("rootfs/stolen", .hardLink, link: "rootfs/out/file")
        let error = #expect(throws: RuntimeError.self) { try fixture.render(tar) as FilePath }
        #expect(error?.description.contains("which is no file of the image") == true)
        #expect(try FileSystem.status(secret.appending("file")).linkCount == 1)
    }

    @Test func anImpliedDirectoryStaysOne() throws {
        var tar = TarFixture.image()
        tar.add("rootfs/a/file", "x")
        tar.add("rootfs/a", .symbolicLink, link: "/etc")
        tar.add("rootfs/b/file", "x")
        tar.add("rootfs/b", .directory, mode: 0o700)
        let root = try fixture.render(tar).appending("rootfs")
        #expect(try FileSystem.status(root.appending("a")).type == .directory)
        #expect(try FileSystem.status(root.appending("b")).mode == 0o700)
    }

    @Test func unpacksTheRootAlone() throws {
        var tar = TarFixture()
        tar.add("rootfs", .directory, mode: 0o711)
        tar.add("rootfs/a", "1")
        tar.add("rootfs/d/b", .hardLink, link: "rootfs/a")
        tar.add("manifest", TarFixture.manifest())
        let root: FilePath = try fixture.render([.init(tar: tar)], rootfsOnly: true)
        #expect(try FileSystem.list(root) == ["a", "d"])
        #expect(try FileSystem.status(root).mode == 0o711)
        #expect(try FileSystem.status(root.appending("d/b")).linkCount == 2)
    }

    @Test func noticesADamagedArchive() throws {
        let bytes = TarFixture.image().bytes()
        let id = try fixture.importing(bytes).imageID
        var damaged = bytes
        damaged[520] ^= 1
        let path = fixture.scratch.appending("damaged")
        try FileSystem.write(damaged, to: path)
        let target = fixture.scratch.appending("tree")
        try FileSystem.makeDirectory(target)
        let directory = try FileDescriptor.open(target, .readOnly, options: [.directory])
        let file = try FileDescriptor.open(path, .readOnly)
        defer {
            try? file.close()
            try? directory.close()
        }
        let error = #expect(throws: RuntimeError.self) {
            try TreeRenderer.render([RenderLayer(id: id, archive: file)], into: directory, name: "tree")
        }
        #expect(error?.description.contains("is damaged") == true)
    }
}
