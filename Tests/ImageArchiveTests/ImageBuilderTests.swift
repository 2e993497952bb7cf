// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct ImageBuilderTests {
    private let scratch: ScratchDirectory
    private var rootfs: FilePath { scratch.appending("rootfs") }

    init() throws {
        scratch = try ScratchDirectory()
        try FileSystem.write(TarFixture.manifest().utf8, to: scratch.appending("manifest"))
        try FileSystem.makeDirectory(rootfs)
    }

    private func builder(_ compression: Compression = .none) -> ImageBuilder {
        ImageBuilder(manifest: .file(scratch.appending("manifest")), rootfs: rootfs, compression: compression)
    }

    private func build(_ builder: ImageBuilder, as name: String = "image.aci") throws -> ImageID {
        let file = try FileDescriptor.open(
            scratch.appending(name), .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        defer { try? file.close() }
        return try builder.write(to: file)
    }

    /// Unpacks an image's root file system as pods get it.
    private func unpack(_ name: String = "image.aci", to directory: String) throws -> FilePath {
        let file = try FileDescriptor.open(scratch.appending(name), .readOnly)
        defer { try? file.close() }
        let plain = try FileDescriptor.open(
            scratch.appending("plain"), .readWrite, options: [.create, .truncate], permissions: [.ownerReadWrite])
        defer { try? plain.close() }
        let inspection = try ImageImporter.importImage(from: file, name: name, writingTo: plain)
        let target = scratch.appending(directory)
        try FileSystem.makeDirectory(target)
        let opened = try FileDescriptor.open(target, .readOnly, options: .directory)
        defer { try? opened.close() }
        _ = try TreeRenderer.render(
            [RenderLayer(id: inspection.imageID, archive: plain)], into: opened, rootfsOnly: true, name: name)
        return target
    }

    /// What find(1) says about everything in a directory: path, type, mode, owner, size, links, time, target.
    private func facts(_ path: FilePath) throws -> [String] {
        let format = #"%P %y %m %U %G %n %l %T@ "#
        let files = try Program.output(
            "find", path.string, "!", "-type", "d", "-printf", format, "-printf", #"%s\n"#)
        let directories = try Program.output("find", path.string, "-type", "d", "-printf", #"%P %y %m %U %G %T@\n"#)
        return String(decoding: files + directories, as: UTF8.self).split(separator: "\n").map(String.init).sorted()
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    private func populate() throws {
        try FileSystem.write("hello".utf8, to: rootfs.appending("b"), mode: 0o4755)
        try FileSystem.write("x".utf8, to: rootfs.appending("a"), mode: 0o600)
        try FileSystem.makeDirectories(rootfs.appending("d").appending("e"))
        try FileSystem.write([], to: rootfs.appending("d").appending("empty"))
        try FileSystem.makeSymbolicLink(to: "../b", at: rootfs.appending("d").appending("link"))
        #expect(link(rootfs.appending("b").string, rootfs.appending("d/same").string) == 0)
        #expect(mkfifo(rootfs.appending("pipe").string, 0o640) == 0)
        #expect(chmod(rootfs.appending("d").string, 0o1777) == 0)
        let long = String(repeating: "n", count: 200)
        try FileSystem.write("long".utf8, to: rootfs.appending(long))
        if geteuid() == 0 {
            #expect(lchown(rootfs.appending("a").string, 70_000, 3_000_000) == 0)
            #expect(mknod(rootfs.appending("null").string, S_IFCHR | 0o666, dev_t(0x103)) == 0)
        }
    }

    @Test func `what is unpacked is what was packed`() throws {
        try populate()
        let file = rootfs.appending("b")
        let hasAttributes = (try? ExtendedAttributes.set("user.colour", Array("blue".utf8), of: file)) != nil
        let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20, 0, 0] + [UInt8](repeating: 0, count: 12)
        if geteuid() == 0 { try ExtendedAttributes.set("security.capability", capability, of: file) }
        _ = try build(builder(.gzip))
        let unpacked = try unpack(to: "unpacked")
        // Without root, set-ID bits are left out.
        if geteuid() != 0 { #expect(chmod(file.string, 0o755) == 0) }
        #expect(try facts(unpacked) == facts(rootfs))
        #expect(try FileSystem.readText(unpacked.appending("d/same")) == "hello")
        if hasAttributes {
            #expect(try ExtendedAttributes.value("user.colour", of: unpacked.appending("b")) == Array("blue".utf8))
        }
        if geteuid() == 0 {
            #expect(try ExtendedAttributes.value("security.capability", of: unpacked.appending("b")) == capability)
        }
    }

    @Test(arguments: Compression.allCases)
    func `the same files make the same bytes`(compression: Compression) throws {
        try populate()
        let plain = try build(builder(), as: "plain.aci")
        let first = try build(builder(compression))
        let second = try build(builder(compression), as: "again.aci")
        #expect(first == plain && second == plain)
        let bytes = try FileSystem.read(scratch.appending("image.aci"))
        #expect(try bytes == FileSystem.read(scratch.appending("again.aci")))
        let file = try FileDescriptor.open(scratch.appending("image.aci"), .readOnly)
        defer { try? file.close() }
        let inspection = try ImageImporter.importImage(from: file, name: "image.aci")
        #expect(inspection.imageID == plain)
        #expect(inspection.compression == compression)
        #expect(inspection.manifestBytes == Array(TarFixture.manifest().utf8))
    }

    @Test func `holes stay holes`() throws {
        let path = rootfs.appending("sparse")
        let file = try FileDescriptor.open(path, .writeOnly, options: .create, permissions: [.ownerReadWrite])
        try FileSystem.setSize(64 << 20, of: file)
        for offset: Int64 in [5 << 20, (5 << 20) + 3000, 50 << 20] {
            _ = try "data".utf8.withContiguousStorageIfAvailable {
                try file.write(toAbsoluteOffset: offset, UnsafeRawBufferPointer($0))
            }
        }
        try file.close()
        _ = try build(builder())
        #expect(try FileSystem.status(scratch.appending("image.aci")).size < 1 << 20)
        let unpacked = try unpack(to: "unpacked").appending("sparse")
        _ = try Program.output("cmp", path.string, unpacked.string)
        let blocks = String(decoding: try Program.output("stat", "-c", "%b", unpacked.string), as: UTF8.self)
        #expect(Int(blocks.prefix { $0.isNumber }).map { $0 < 2048 } == true)
    }

    @Test func `times and owners can be set`() throws {
        try FileSystem.write("x".utf8, to: rootfs.appending("new"))
        try FileSystem.write("x".utf8, to: rootfs.appending("old"))
        var times = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, rootfs.appending("old").string, &times, 0) == 0)
        var builder = builder()
        builder.latestTime = 2000 * 1_000_000_000
        builder.owner = ImageBuilder.Owner(uid: 12, gid: 34)
        let id = try build(builder)
        let listing = String(
            decoding: try Program.output(
                "tar", "--utc", "--full-time", "--numeric-owner", "-tvf", scratch.appending("image.aci").string),
            as: UTF8.self
        ).split(separator: "\n")
        #expect(listing.count == 4)
        #expect(listing.allSatisfy { $0.contains(" 12/34 ") })
        for line in listing {
            #expect(line.contains(line.hasSuffix("/old") ? "1970-01-01 00:16:40" : "1970-01-01 00:33:20"), "\(line)")
        }
        // What came later makes no difference any more.
        try FileSystem.write("x".utf8, to: rootfs.appending("new"))
        #expect(try build(builder) == id)
    }

    @Test func `names need not be text`() throws {
        let name = try #require(
            [CChar(bitPattern: 0xff), 0].withUnsafeBufferPointer {
                $0.baseAddress.flatMap { FilePath.Component(platformString: $0) }
            })
        let path = rootfs.appending(name)
        let made = path.withPlatformString { open($0, O_CREAT | O_WRONLY, 0o644) }
        #expect(made >= 0 && close(made) == 0)
        _ = try build(builder())
        let root = try FileDescriptor.open(unpack(to: "unpacked"), .readOnly)
        defer { try? root.close() }
        #expect(try FileSystem.names(in: root) == [name])
        _ = try Program.output("rm", "-rf", rootfs.string, scratch.appending("unpacked").string)
    }

    @Test func `what cannot be in an image is named`() throws {
        try FileSystem.write("{ \"acKind\": 5 }".utf8, to: scratch.appending("manifest"))
        #expect(message { _ = try build(builder()) }.contains("manifest is not a valid image manifest: "))
        try FileSystem.write(TarFixture.manifest().utf8, to: scratch.appending("manifest"))
        let socket = try UnixSocket.listen(rootfs.appending("s"))
        defer { try? socket.close() }
        #expect(message { _ = try build(builder()) }.contains("s is a socket, which an image cannot hold"))
        try FileSystem.remove(rootfs.appending("s"))
        #expect(message { _ = try build(builder(), as: "rootfs/image.aci") }.contains("is in its root file system"))
        try FileSystem.removeTree(rootfs)
        #expect(message { _ = try build(builder()) }.hasSuffix("rootfs: No such file or directory"))
    }
}
