// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import Measurement
import SystemPackage
import TestSupport
import Testing

struct DigestTests {
    private let scratch: ScratchDirectory
    private let cache: DigestCache
    private var cachePath: FilePath { scratch.appending("run").appending("digests") }

    init() throws {
        scratch = try ScratchDirectory()
        cache = DigestCache(path: scratch.appending("run").appending("digests"))
    }

    /// A file whose times are old enough to say that it does not change.
    private func file(_ text: String, _ name: String = "file") throws -> FilePath {
        let path = scratch.appending(name)
        try FileSystem.write(text.utf8, to: path)
        let written = try FileSystem.status(path).changeTime
        while true {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            if Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - written > 30_000_000 { return path }
            usleep(5000)
        }
    }

    private static let abc =
        "sha512-ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

    @Test func `digests are those of the standard`() throws {
        #expect(FileDigest.sha512("abc".utf8) == Self.abc)
        #expect(try cache.digest(of: file("abc")).digest == Self.abc)
    }

    @Test func `a large file has the digest that another program computes`() throws {
        let path = scratch.appending("large")
        try FileSystem.write((0..<3_000_001).lazy.map { UInt8(truncatingIfNeeded: $0 &* 31) }, to: path)
        let sum = String(decoding: try Program.output("sha512sum", path.string), as: UTF8.self).prefix(128)
        #expect(try cache.digest(of: path).digest == "sha512-\(sum)")
    }

    @Test func `a file that has not changed is not read again, and one that has is`() throws {
        let path = try file("abc")
        let first = try cache.digest(of: path)
        let other = "sha512-" + String(repeating: "0", count: 128)
        try FileSystem.write("\(first.stamp) \(other)\n".utf8, to: cachePath, mode: 0o600)
        #expect(try cache.digest(of: path).digest == other)
        try FileSystem.remove(path)
        let changed = try cache.digest(of: file("abd"))
        #expect(changed.digest != other && changed.digest != first.digest)
        #expect(changed.stamp != first.stamp)
    }

    @Test func `what others could have written says nothing`() throws {
        let path = try file("abc")
        let first = try cache.digest(of: path)
        let other = "sha512-" + String(repeating: "0", count: 128)
        try FileSystem.remove(cachePath)
        try FileSystem.write("\(first.stamp) \(other)\n".utf8, to: cachePath, mode: 0o622)
        chmod(cachePath.string, 0o622)
        #expect(try cache.digest(of: path).digest == Self.abc)
    }

    @Test(arguments: ["", "\n\n", "1 2 3 4 5\n", "a b c d sha512-00\n", "\0\u{1}"])
    func `a broken cache is made anew`(text: String) throws {
        let path = try file("abc")
        try FileSystem.makeDirectories(cachePath.removingLastComponent())
        try FileSystem.write(text.utf8, to: cachePath, mode: 0o600)
        #expect(try cache.digest(of: path).digest == Self.abc)
        #expect(try FileSystem.readText(cachePath).contains(Self.abc))
    }

    @Test func `a part of a shared tree is the same wherever that is mounted`() throws {
        let path = try file("abc")
        let stamp = try DigestCache.stamp(of: path, tree: "deps-sha512-1")
        #expect(stamp.hasPrefix("deps-sha512-1 "))
        #expect(try cache.digest(of: path, tree: "deps-sha512-1").stamp == stamp)
        #expect(try DigestCache.stamp(of: path) != stamp)
    }

    @Test func `the cache stays small`() throws {
        let paths = (0..<80).map { scratch.appending("file-\($0)") }
        for path in paths { try FileSystem.write(path.string.utf8, to: path) }
        // The others are older.
        _ = try file("last", "last")
        for path in paths { _ = try cache.digest(of: path) }
        #expect(try FileSystem.readText(cachePath).split(separator: "\n").count == 64)
    }

    @Test(arguments: ["/dev/zero", "/", "/nonexistent"]) func `what is no file has none`(path: String) {
        #expect(throws: RuntimeError.self) { try cache.digest(of: FilePath(path)) }
    }
}
