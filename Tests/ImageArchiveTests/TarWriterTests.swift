// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct TarWriterTests {
    private func write(_ entries: [(TarEntry, String)]) throws -> (scratch: ScratchDirectory, path: FilePath) {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("a.tar")
        let file = try FileDescriptor.open(path, .writeOnly, options: [.create], permissions: [.ownerReadWrite])
        defer { try? file.close() }
        let writer = TarWriter(file)
        for (entry, data) in entries {
            try writer.begin(entry)
            try Array(data.utf8).withUnsafeBytes { try writer.write($0) }
        }
        try writer.finish()
        return (scratch, path)
    }

    private func entry(_ path: String, _ kind: TarEntry.Kind, mode: UInt32 = 0o644) -> TarEntry {
        TarEntry(Array(path.utf8), kind, mode: mode)
    }

    @Test func entriesAreReadAsTheyWereWritten() throws {
        let long = String(repeating: "directory/", count: 30) + "file"
        var odd = entry(long, .file(size: 5), mode: 0o4711)
        odd.uid = 4_000_000_000
        odd.gid = 3_000_000
        odd.modification = -1_500_000_001
        odd.attributes = [("user.b", [0, 10, 255]), ("security.capability", [1])]
        let binary = TarEntry(
            [0x66, 0xff, 0xfe], .symbolicLink([0xe9]), mode: 0o777, modification: 1_234_567_890_123_456_789)
        let (scratch, path) = try write([
            (entry("d", .directory, mode: 0o1755), ""), (odd, "hello"), (entry("h", .hardLink(Array(long.utf8))), ""),
            (binary, ""), (entry("dev", .blockDevice(major: 4000, minor: 5_000_000)), ""), (entry("p", .fifo), ""),
        ])
        defer { scratch.close() }
        let file = try FileDescriptor.open(path, .readOnly)
        defer { try? file.close() }
        let size = try FileSystem.status(of: file).size
        #expect(size % 512 == 0)
        let reader = try LayerReader(file, range: 0..<size, name: "a.tar", limits: ArchiveLimits())
        let directory = try #require(try reader.next())
        #expect(directory.path == "d" && directory.isDirectory && directory.mode == 0o1755)
        let second = try #require(try reader.next())
        #expect(second.path.string == long && second.size == 5 && second.mode == 0o4711)
        #expect(second.uid == 4_000_000_000 && second.gid == 3_000_000)
        // Times before 1970 have no fraction.
        #expect(second.times.modification == -2_000_000_000)
        let attributes = Dictionary(reader.extendedAttributes().map { ($0.name, $0.value) }) { $1 }
        #expect(attributes == ["user.b": [0, 10, 255], "security.capability": [1]])
        #expect(try reader.nextBlock().map { Array($0.bytes) } == Array("hello".utf8))
        guard case .hardLink(let target) = try #require(try reader.next()).kind else {
            Issue.record("no hard link")
            return
        }
        #expect(target.string == long)
        let link = try #require(try reader.next())
        #expect(link.path.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: 3)) } == [0x66, -1, -2])
        #expect(link.times.modification == 1_234_567_890_123_456_789)
        guard case .symbolicLink(let text) = link.kind, text == [CChar(bitPattern: 0xe9), 0] else {
            Issue.record("not the text of the link")
            return
        }
        guard case .blockDevice(4000, 5_000_000) = try #require(try reader.next()).kind else {
            Issue.record("not the device")
            return
        }
        guard case .fifo = try #require(try reader.next()).kind else {
            Issue.record("no fifo")
            return
        }
        #expect(try reader.next() == nil)
    }

    @Test func tarUnpacksSparseFiles() throws {
        let segments = [TarEntry.Segment(offset: 4096, length: 512), TarEntry.Segment(offset: 1 << 33, length: 2)]
        let (scratch, path) = try write([
            (entry("s", .file(size: 1 << 34, segments: segments)), "abc" + String(repeating: "\0", count: 509) + "de"),
            (entry("after", .file(size: 1)), "x"),
            (entry("empty", .file(size: 1 << 30, segments: [])), ""),
        ])
        defer { scratch.close() }
        #expect(try FileSystem.status(path).size < 16384)
        _ = try Program.output("tar", "-xf", path.string, "-C", scratch.path.string)
        #expect(try FileSystem.status(scratch.appending("s")).size == 1 << 34)
        #expect(try FileSystem.status(scratch.appending("empty")).size == 1 << 30)
        #expect(try FileSystem.readText(scratch.appending("after")) == "x")
        let file = try FileDescriptor.open(scratch.appending("s"), .readOnly)
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 9, count: 4)
        _ = try bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: 4095, into: $0) }
        #expect(bytes == [0, 0x61, 0x62, 0x63])
        _ = try bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: (1 << 33) - 1, into: $0) }
        #expect(bytes == [0, 0x64, 0x65, 0])
    }
}
