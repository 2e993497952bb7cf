// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct TreeCopyTests {
    private let scratch: ScratchDirectory
    private let source: FilePath
    private let target: FilePath

    init() throws {
        scratch = try ScratchDirectory()
        source = scratch.appending("source")
        target = scratch.appending("target")
        try FileSystem.makeDirectories(source.appending("dir"))
    }

    @Test func filesAndTheirAttributesAreKept() throws {
        let text = String(repeating: "0123456789", count: 300_000)
        try FileSystem.write(text.utf8, to: source.appending("dir").appending("file"), mode: 0o640)
        #expect(chmod(source.appending("dir").string, 0o2751) == 0)
        let time = timespec(tv_sec: 1_000_000_000, tv_nsec: 123_456_789)
        #expect(utimensat(AT_FDCWD, source.appending("dir").string, [time, time], 0) == 0)
        try TreeCopy.copy(source, to: target)
        #expect(try FileSystem.readText(target.appending("dir").appending("file"), limit: 8 << 20) == text)
        #expect(try FileSystem.status(target.appending("dir").appending("file")).mode == 0o640)
        let directory = try FileSystem.status(target.appending("dir"))
        #expect(directory.mode == 0o2751)
        #expect(directory.modificationTime == 1_000_000_000_123_456_789)
    }

    @Test func namesAndLinksMayBeAnyBytes() throws {
        let names: [[CChar]] = [[-1, -2, 0], [-61, 40, 0], [-1, 0]]
        let paths = names.map { source.appending("dir").appending(FilePath.Component(platformString: $0) ?? "x") }
        try FileSystem.makeDirectory(paths[0])
        for path in [paths[1], paths[0].appending("file")] {
            let file = try FileDescriptor.open(path, .writeOnly, options: [.create], permissions: [.ownerReadWrite])
            try file.writeAll("text".utf8)
            try file.close()
        }
        let other = paths[0].appending("other")
        #expect(paths[1].withPlatformString { old in other.withPlatformString { link(old, $0) } } == 0)
        #expect(paths[2].withPlatformString { symlink(names[0], $0) } == 0)
        try TreeCopy.copy(source, to: target)

        func copied(_ path: FilePath) throws -> (directory: FileDescriptor, name: FilePath.Component) {
            var copy = path
            let isBelow = copy.removePrefix(source)
            #expect(isBelow)
            let directory = try FileDescriptor.open(
                target.pushing(copy).removingLastComponent(), .readOnly, options: [.directory])
            return (directory, try #require(path.lastComponent))
        }
        for path in paths + [paths[0].appending("file"), other] {
            let (directory, name) = try copied(path)
            defer { try? directory.close() }
            #expect(try FileSystem.names(in: directory).contains(name))
            #expect(try FileSystem.status(name, in: directory).type == FileSystem.status(path).type)
        }
        let (directory, name) = try copied(paths[2])
        defer { try? directory.close() }
        #expect(try FileSystem.readSymbolicLink(name, in: directory) == [0xff, 0xfe])
        let (inner, last) = try copied(other)
        defer { try? inner.close() }
        #expect(try FileSystem.status(last, in: inner).linkCount == 2)
    }

    @Test func linksStayLinks() throws {
        let file = source.appending("file")
        try FileSystem.write("x".utf8, to: file)
        #expect(link(file.string, source.appending("dir").appending("other").string) == 0)
        try FileSystem.makeSymbolicLink(to: "/nonexistent", at: source.appending("dangling"))
        try TreeCopy.copy(source, to: target)
        let copied = try FileSystem.status(target.appending("file"))
        #expect(copied.linkCount == 2)
        #expect(try FileSystem.status(target.appending("dir").appending("other")).inode == copied.inode)
        #expect(try FileSystem.readSymbolicLink(target.appending("dangling")) == "/nonexistent")
    }

    @Test func holesStayHoles() throws {
        let size: Int64 = 64 << 20
        let path = source.appending("sparse")
        try FileSystem.write([], to: path)
        let file = try FileDescriptor.open(path, .writeOnly)
        #expect(ftruncate(file.rawValue, off_t(size)) == 0)
        try file.writeAll(toAbsoluteOffset: 32 << 20, "middle".utf8)
        try file.close()
        try TreeCopy.copy(source, to: target)
        var status = stat()
        #expect(stat(target.appending("sparse").string, &status) == 0)
        #expect(Int64(status.st_size) == size)
        #expect(Int64(status.st_blocks) * 512 < 1 << 20)
        let copy = try FileDescriptor.open(target.appending("sparse"), .readOnly)
        defer { try? copy.close() }
        var bytes = [UInt8](repeating: 0, count: 6)
        _ = try bytes.withUnsafeMutableBytes { try copy.read(fromAbsoluteOffset: 32 << 20, into: $0) }
        #expect(String(decoding: bytes, as: UTF8.self) == "middle")
    }

    @Test func specialFilesAreMadeAnew() throws {
        #expect(mkfifo(source.appending("fifo").string, 0o600) == 0)
        #expect(chmod(source.appending("fifo").string, 0o620) == 0)
        try TreeCopy.copy(source, to: target)
        let fifo = try FileSystem.status(target.appending("fifo"))
        #expect(fifo.type == .fifo)
        #expect(fifo.mode == 0o620)
    }

    @Test func extendedAttributesAreKept() throws {
        let path = source.appending("file")
        try FileSystem.write("x".utf8, to: path)
        do {
            try ExtendedAttributes.set("user.note", Array("text".utf8), of: path)
        } catch {
            // Not every file system has them.
            return
        }
        try TreeCopy.copy(source, to: target)
        #expect(try ExtendedAttributes.value("user.note", of: target.appending("file")) == Array("text".utf8))
        #expect(try ExtendedAttributes.names(target.appending("file")).contains("user.note"))
    }

    @Test(.enabled(if: geteuid() == 0, "makes device nodes and gives files away"))
    func ownersCapabilitiesAndDevicesAreKept() throws {
        let program = source.appending("program")
        try FileSystem.write("x".utf8, to: program, mode: 0o755)
        #expect(chown(program.string, 1000, 1001) == 0)
        #expect(chmod(program.string, 0o4755) == 0)
        // CAP_NET_BIND_SERVICE in the form of a VFS_CAP_REVISION_2 attribute.
        let capability: [UInt8] = [0, 0, 0, 2, 0, 4, 0, 0] + [UInt8](repeating: 0, count: 12)
        try ExtendedAttributes.set("security.capability", capability, of: program)
        #expect(mknod(source.appending("null").string, S_IFCHR | 0o666, 0x103) == 0)
        try TreeCopy.copy(source, to: target)
        let copied = try FileSystem.status(target.appending("program"))
        #expect(copied.uid == 1000)
        #expect(copied.gid == 1001)
        #expect(copied.mode == 0o4755)
        #expect(try ExtendedAttributes.value("security.capability", of: target.appending("program")) == capability)
        let device = try FileSystem.status(target.appending("null"))
        #expect(device.type == .characterDevice)
        #expect(device.specialDevice == 0x103)
    }
}
