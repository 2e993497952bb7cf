// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageArchive
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct ImageImporterTests {
    let fixture: ArchiveFixture

    init() throws { fixture = try ArchiveFixture() }

    private func sha512(_ bytes: [UInt8]) throws -> String {
        let path = fixture.scratch.appending("sum")
        try FileSystem.write(bytes, to: path)
        return String(decoding: try Program.output("sha512sum", input: path), as: UTF8.self).prefix(128).description
    }

    @Test(arguments: [0, 512, 9216, 300_000])
    func theIDIsTheSumOfTheWholeStreamPaddingIncluded(padding: Int) throws {
        var tar = TarFixture.image()
        tar.add("rootfs/big", String(repeating: "0123456789", count: 60_000))
        let bytes = tar.bytes(padding: padding)
        let inspection = try fixture.importing(bytes)
        #expect(inspection.imageID.string == "sha512-" + (try sha512(bytes)))
        #expect(inspection.size == bytes.count)
        #expect(inspection.manifest.name.string == "example.com/image")
        #expect(inspection.manifestBytes == Array(TarFixture.manifest().utf8))
        #expect(try fixture.stored() == bytes)
    }

    @Test(arguments: ["gzip", "bzip2", "xz", "zstd"].filter { Program.path(of: $0) != nil })
    func compressionDoesNotChangeTheID(program: String) throws {
        var tar = TarFixture.image()
        tar.add("rootfs/numbers", (0..<100_000).map(String.init).joined(separator: "\n"))
        let plain = tar.bytes(padding: 700)
        let path = fixture.scratch.appending("plain")
        try FileSystem.write(plain, to: path)
        let compressed = try Program.output(program, "-c", input: path)
        let inspection = try fixture.importing(compressed)
        #expect(inspection.compression.rawValue == program)
        #expect(inspection.imageID.string == "sha512-" + (try sha512(plain)))
        #expect(try fixture.stored() == plain)

        // Whatever is cut off or changed is noticed.
        for cut in [1, 5, compressed.count / 2, compressed.count - 20] {
            let message = try fixture.refusal(Array(compressed.dropLast(cut)))
            #expect(message.contains("image.aci cannot be decompressed"), "\(cut) bytes cut off: \(message)")
            #expect(message.contains(program))
        }
        for place in [compressed.count / 3, compressed.count / 2] {
            var broken = compressed
            broken[place] ^= 0x10
            #expect(try fixture.refusal(broken).contains("cannot be decompressed"), "byte \(place) changed")
        }
    }

    @Test(.enabled(if: Program.path(of: "gzip") != nil))
    func gzipMembersAndSums() throws {
        let path = fixture.scratch.appending("plain")
        let plain = TarFixture.image().bytes()
        var parts: [UInt8] = []
        for part in [plain.prefix(700), plain.dropFirst(700)] {
            try FileSystem.write(part, to: path)
            parts += try Program.output("gzip", "-c", input: path)
        }
        #expect(try fixture.importing(parts).size == plain.count)
        #expect(try fixture.importing(parts + [UInt8](repeating: 0, count: 100)).size == plain.count)
        #expect(try fixture.refusal(parts + Array("garbage".utf8)).contains("cannot be decompressed"))
        // The CRC of the last member.
        var broken = parts
        broken[broken.count - 7] ^= 1
        #expect(try fixture.refusal(broken).contains("incorrect data check"))
    }

    @Test func acceptsNamesWithAndWithoutDots() throws {
        var tar = TarFixture()
        tar.add("./", .directory)
        tar.add("./rootfs/", .directory)
        tar.add("./rootfs//a/./b", "text")
        tar.add("./manifest", TarFixture.manifest())
        #expect(try fixture.importing(tar.bytes()).manifest.version == "1.0.0")
    }

    /// Archives that are no images, and what the message says.
    static let refused: [(String, @Sendable (inout TarFixture) -> Void)] = [
        ("no \"manifest\"", { $0.add("rootfs", .directory) }),
        ("no entry for the \"rootfs\"", { $0.add("manifest", TarFixture.manifest()) }),
        (
            "no entry for the \"rootfs\"",
            {
                $0.add("manifest", TarFixture.manifest())
                $0.add("rootfs/bin/x", "x")
            }
        ),
        ("\"/manifest\" is neither", { $0.add("/manifest", TarFixture.manifest()) }),
        ("\"rootfs\" is not a directory", { $0.add("rootfs", .symbolicLink, link: "/") }),
        ("\"rootfs\" is not a directory", { $0.add("rootfs", "file") }),
        (
            "\"rootfs\" appears twice",
            {
                $0.add("rootfs", .directory)
                $0.add("rootfs/", .directory)
            }
        ),
        ("\"manifest\" is not a regular file", { $0.add("manifest", .symbolicLink, link: "rootfs/x") }),
        ("\"manifest\" is not a regular file", { $0.add("manifest", .directory) }),
        ("\"foo\" is neither", { $0.add("foo", "x") }),
        ("\"rootfsfoo\" is neither", { $0.add("rootfsfoo", "x") }),
        ("\"../etc/x\" is neither", { $0.add("rootfs/../../etc/x", "x") }),
        ("\"..\" is neither", { $0.add("..", .directory) }),
    ]

    @Test(arguments: refused.indices)
    func refusesWhatIsNoImage(index: Int) throws {
        let (expected, build) = ImageImporterTests.refused[index]
        var tar = TarFixture()
        build(&tar)
        let message = try fixture.refusal(tar.bytes())
        #expect(message.contains(expected), "\(message)")
        #expect(message.contains("image.aci"))
    }

    /// Entries that make a valid image invalid, and what the message says.
    static let refusedEntries: [(String, @Sendable (inout TarFixture) -> Void)] = [
        ("\"manifest\" appears twice", { $0.add("manifest", TarFixture.manifest()) }),
        (
            "\"rootfs/a\" appears twice",
            {
                $0.add("rootfs/a", "1")
                $0.add("rootfs/a/", .directory)
            }
        ),
        ("outside \"rootfs\"", { $0.add("rootfs/passwd", .hardLink, link: "/etc/passwd") }),
        ("outside \"rootfs\"", { $0.add("rootfs/passwd", .hardLink, link: "rootfs/../../etc/passwd") }),
        ("outside \"rootfs\"", { $0.add("rootfs/m", .hardLink, link: "manifest") }),
        ("\"/rootfs/a\" is neither", { $0.add("/rootfs/a", "x") }),
    ]

    @Test(arguments: refusedEntries.indices)
    func refusesHostileEntries(index: Int) throws {
        let (expected, build) = ImageImporterTests.refusedEntries[index]
        var tar = TarFixture.image()
        build(&tar)
        #expect(try fixture.refusal(tar.bytes()).contains(expected))
    }

    @Test func saysWhatAFileIsInstead() throws {
        #expect(try fixture.refusal([]).contains("image.aci is not an image: it is empty"))
        #expect(try fixture.refusal(Array("{\"acKind\": \"ImageManifest\"}".utf8)).contains("it is text"))
        #expect(try fixture.refusal([UInt8](repeating: 0, count: 20_000)).contains("data of an unknown kind"))
        #expect(try fixture.refusal((0..<2000).map { UInt8(truncatingIfNeeded: $0 &* 7) }).contains("unknown kind"))
    }

    @Test func namesTheManifestsField() throws {
        var tar = TarFixture()
        tar.add("rootfs", .directory)
        tar.add("manifest", TarFixture.manifest(name: "Not Valid"))
        let message = try fixture.refusal(tar.bytes())
        #expect(message.contains("image.aci: its manifest is not valid: name"), "\(message)")
        var garbled = TarFixture()
        garbled.add("manifest", "{\"acKind\":")
        garbled.add("rootfs", .directory)
        #expect(try fixture.refusal(garbled.bytes()).contains("JSON"))
    }

    @Test(arguments: [1, 511, 512, 700, 1500, 2100])
    func noticesTruncation(length: Int) throws {
        var tar = TarFixture()
        tar.add("rootfs", .directory)
        tar.add("rootfs/file", String(repeating: "x", count: 900))
        tar.add("manifest", TarFixture.manifest())
        #expect(try fixture.refusal(Array(tar.bytes().prefix(length))) != "accepted")
        if length > 512 {
            let message = try fixture.refusal(Array(tar.bytes().prefix(length)))
            #expect(message.contains("image.aci is truncated") || message.contains("no \"manifest\""), "\(message)")
        }
    }

    @Test func enforcesLimits() throws {
        var tar = TarFixture.image()
        for index in 0..<20 { tar.add("rootfs/\(index)", "0123456789") }
        let bytes = tar.bytes()
        #expect(try fixture.refusal(bytes, limits: ArchiveLimits(entries: 22)) == "accepted")
        #expect(try fixture.refusal(bytes, limits: ArchiveLimits(entries: 21)).contains("more than 21 entries"))
        #expect(try fixture.refusal(bytes, limits: ArchiveLimits(expandedBytes: 300)).contains("more than 300 bytes"))
        #expect(try fixture.refusal(bytes, limits: ArchiveLimits(manifestBytes: 50)).contains("larger than 50 bytes"))
    }

    @Test func reportsAFullDisk() throws {
        let path = fixture.scratch.appending("image.aci")
        try FileSystem.write(TarFixture.image().bytes(), to: path)
        let input = try FileDescriptor.open(path, .readOnly)
        defer { try? input.close() }
        let output = try FileDescriptor.open("/dev/full", .writeOnly)
        defer { try? output.close() }
        let error = #expect(throws: OutputError.self) {
            try ImageImporter.importImage(from: input, name: "image.aci", writingTo: output)
        }
        #expect(error?.errno == .noSpace)
    }

    @Test func survivesDamagedArchives() throws {
        var tar = TarFixture.image()
        tar.add("rootfs/" + String(repeating: "long/", count: 40) + "name", .file)
        tar.add("rootfs/a", .file, attributes: [("user.x", "y")])
        tar.add("rootfs/l", .hardLink, link: "rootfs/a")
        tar.add("rootfs/s", .symbolicLink, link: "/etc")
        let bytes = tar.bytes()
        var generator = Generator(state: 42)
        for _ in 0..<500 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: damaged.indices, using: &generator)
                damaged[place] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { damaged.removeLast(Int.random(in: 0...2000, using: &generator)) }
            // Whatever it is, it ends in an image or in one clear error.
            let message = try fixture.refusal(damaged)
            #expect(message == "accepted" || message.contains("image.aci"))
        }
    }

    /// Makes the same numbers in every run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }
}
