// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageArchive
import LinuxPlatform
import TestSupport

extension HostileArchive {
    static let compressors = ["gzip", "bzip2", "xz", "zstd"].filter { Program.path(of: $0) != nil }

    static func compressed(_ program: String, _ bytes: [UInt8]) throws -> [UInt8] {
        let scratch = try ScratchDirectory()
        try FileSystem.write(bytes, to: scratch.appending("plain"))
        return try Program.output(program, "-c", input: scratch.appending("plain"))
    }

    /// An image whose data do not compress well, so that every tenth of the stream holds some of them.
    private static func noise() -> [UInt8] {
        var tar = TarFixture.image()
        var state: UInt32 = 1
        let bytes = (0..<100_000).map { _ -> UInt8 in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        tar.add(Array("rootfs/noise".utf8), .file, contents: bytes)
        return tar.bytes()
    }

    /// What libarchive and zlib say of data that end early.
    private static let earlyEnds = [
        "gzip": "unexpected end of file", "bzip2": "truncated bzip2 input",
        "xz": "Lzma library error:  No progress is possible",
        "zstd": "Truncated zstd input",
    ]

    /// What is said of data after compressed ones.
    private static let garbage = [
        "gzip": "incorrect header check", "bzip2": "other data follow them",
        "xz": "Lzma library error: Corrupted input data",
        "zstd": "Zstd decompression failed: Unknown frame descriptor",
    ]

    private static func undecompressable(_ program: String, _ detail: String) -> Outcome {
        .refused(
            "IMAGE cannot be decompressed (\(detail)): its \(program) data are damaged or end early; get it again")
    }

    /// Streams that end early or late.
    static let streams: [HostileArchive] = {
        var cases: [HostileArchive] = []
        for program in compressors {
            for tenths in [1, 5, 9] {
                cases.append(
                    HostileArchive(
                        "\(program) cut off after \(tenths) tenths",
                        undecompressable(program, earlyEnds[program] ?? "")
                    ) {
                        let bytes = try compressed(program, noise())
                        return [Array(bytes.prefix(bytes.count * tenths / 10))]
                    })
            }
            cases.append(
                HostileArchive(
                    "the last byte of \(program) cut off", undecompressable(program, earlyEnds[program] ?? "")
                ) {
                    [try compressed(program, noise()).dropLast()]
                })
            cases.append(
                HostileArchive("garbage after \(program)", undecompressable(program, garbage[program] ?? "")) {
                    [try compressed(program, TarFixture.image().bytes()) + Array("garbage after the stream".utf8)]
                })
            cases.append(
                HostileArchive(
                    "\(program) in \(program)",
                    .refused(
                        "IMAGE is not an image: it is \(program) data (after decompressing \(program)), not a tar archive"
                    )
                ) { [try compressed(program, try compressed(program, TarFixture.image().bytes()))] })
        }
        let cuts: [(Int, String)] = [
            (700, "Truncated input file (needed 392 bytes, only 68 available)"), (1100, "Truncated tar archive"),
            (1536, "the mark at its end is missing"), (2100, "Truncated tar archive"),
            (2560, "Truncated tar archive"), (3072, "the mark at its end is missing"),
        ]
        for (length, detail) in cuts {
            cases.append(
                HostileArchive(
                    "a plain archive cut off after \(length) bytes",
                    .refused("IMAGE is truncated: the file ends inside the archive (\(detail)); get it again")
                ) {
                    var tar = TarFixture.image()
                    tar.add("rootfs/a", String(repeating: "x", count: 600))
                    return [Array(tar.bytes().prefix(length))]
                })
        }
        cases.append(
            HostileArchive("garbage after a plain archive", .rendered([#"f 644 a "x""#])) {
                var tar = TarFixture.image()
                tar.add("rootfs/a", "x")
                var later = TarFixture()
                later.add("rootfs/../../../outside/planted", "bad")
                return [tar.bytes() + later.bytes() + Array("garbage".utf8)]
            })
        return cases
    }()

    private static func tooLarge(_ bytes: Int64) -> Outcome {
        .refused(
            "IMAGE expands to more than \(bytes) bytes, the most allowed; if you trust it, raise \"imageExpandedSize\" in a "
                + "configuration file of the kind limits")
    }

    /// The header of a sparse file in the old format of GNU tar.
    private static func sparse(_ tar: inout TarFixture, offset: String, length: String, size: String, body: [UInt8]) {
        tar.add(block: "rootfs/sparse", type: "S", size: body.count, body: body) { block in
            block.replaceSubrange(257..<265, with: Array("ustar  \u{0}".utf8))
            block.replaceSubrange(329..<512, with: [UInt8](repeating: 0, count: 183))
            block.replaceSubrange(386..<397, with: Array(offset.utf8))
            block.replaceSubrange(398..<409, with: Array(length.utf8))
            block.replaceSubrange(483..<494, with: Array(size.utf8))
        }
    }

    /// Archives that ask for more than their size lets expect.
    static let bombs: [HostileArchive] = {
        var cases: [HostileArchive] = []
        let limits = ArchiveLimits(entries: 100, expandedBytes: 1 << 20)
        for program in compressors {
            cases.append(
                HostileArchive("\(program) of a file of zeros", tooLarge(1 << 20), limits: limits) {
                    var tar = TarFixture.image()
                    tar.add(Array("rootfs/zeros".utf8), .file, contents: [UInt8](repeating: 0, count: 16 << 20))
                    return [try compressed(program, tar.bytes())]
                })
            cases.append(
                HostileArchive("\(program) of zeros after the end", tooLarge(1 << 20), limits: limits) {
                    [try compressed(program, TarFixture.image().bytes(padding: 16 << 20))]
                })
        }
        cases += [
            HostileArchive("a size beyond the limit that there is without configuration", tooLarge(1 << 40)) {
                $0.add(records: [("size", String(1 << 41))])
                $0.add("rootfs/a", "x")
            },
            HostileArchive("a sparse file of GNU tar", tooLarge(1 << 20), limits: limits) {
                sparse(&$0, offset: "00000000000", length: "00000000001", size: "77777777777", body: [0x61])
            },
            HostileArchive(
                "a sparse file of GNU tar with data beyond its end",
                .refused(#"IMAGE is not valid: the data of "rootfs/sparse" do not fit into it"#)
            ) {
                sparse(&$0, offset: "07777777777", length: "00000000001", size: "00000000002", body: [0x61])
            },
            HostileArchive("a sparse file of pax 0.1", tooLarge(1 << 40)) {
                $0.add(records: [
                    ("GNU.sparse.size", String(1 << 42)), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "0,1"),
                ])
                $0.add("rootfs/a", "x")
            },
            HostileArchive(
                "a sparse file of pax 0.1 with data beyond its end",
                .refused(#"IMAGE is not valid: the data of "rootfs/a" do not fit into it"#)
            ) {
                $0.add(records: [
                    ("GNU.sparse.size", "2"), ("GNU.sparse.numblocks", "1"),
                    ("GNU.sparse.map", "4611686018427387904,1"),
                ])
                $0.add("rootfs/a", "x")
            },
            HostileArchive("a sparse file of pax 1.0", tooLarge(1 << 40)) {
                $0.add(records: [
                    ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "rootfs/a"),
                    ("GNU.sparse.realsize", String(1 << 42)),
                ])
                $0.add(
                    block: "rootfs/b", type: "0", size: 513,
                    body: Array("1\n0\n1\n".utf8) + [UInt8](repeating: 0, count: 507))
            },
            HostileArchive(
                "a sparse file of pax 1.0 with a map without end",
                .refused("IMAGE is not valid: the header of an entry has more than 16777216 bytes, the most allowed")
            ) {
                $0.add(records: [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "1")])
                let map =
                    Array("9000000\n".utf8) + (0..<(5 << 20)).flatMap { _ in [0x30, 0x0a, 0x30, 0x0a] as [UInt8] }
                $0.add(block: "rootfs/b", type: "0", size: map.count, body: map)
            },
            HostileArchive(
                "more entries than allowed",
                .refused(
                    "IMAGE holds more than 100 entries, the most allowed; if you trust it, raise \"imageEntries\" in a "
                        + "configuration file of the kind limits"), limits: limits
            ) {
                for number in 0..<99 { $0.add("rootfs/\(number)", .directory) }
            },
        ]
        return cases
    }()
}
