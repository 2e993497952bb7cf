// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageArchive
import TestSupport

extension HostileArchive {
    /// Types of entries and their modes.
    static let kinds: [HostileArchive] = [
        .harmless("device nodes in odd places", ["b 666 etc 8:0", "c 600 sub/mem 1:1", "d 755 sub"]) {
            $0.add("rootfs/etc", .blockDevice, mode: 0o666, device: (8, 0))
            $0.add("rootfs/sub/mem", .characterDevice, mode: 0o600, device: (1, 1))
        },
        .harmless("a device that overlays take for a whiteout", ["c 644 a 0:0"]) {
            $0.add("rootfs/a", .characterDevice, mode: 0o644, device: (0, 0))
        },
        .invalid(
            "a device number that would be cut to another",
            #""rootfs/a" is a device with the number 4097:3, which Linux does not have"#
        ) {
            $0.add("rootfs/a", .characterDevice, device: (4097, 3))
        },
        .invalid(
            "a minor number out of range",
            #""rootfs/a" is a device with the number 8:1048576, which Linux does not have"#
        ) {
            $0.add("rootfs/a", .blockDevice, device: (8, 1 << 20))
        },
        .harmless("a type that nobody knows is a file", [#"f 644 a "x""#]) {
            $0.add(block: "rootfs/a", type: "Z", size: 1, body: Array("x".utf8))
        },
        .harmless("a socket is a file as POSIX says of unknown types", [#"f 644 a """#]) {
            $0.add(block: "rootfs/a", type: "s", size: 0)
        },
        .harmless("bits that set IDs stay what they are", ["d 2777 d", #"f 4755 s "x""#, #"f 6711 t "x""#]) {
            $0.add("rootfs/s", "x", mode: 0o4755)
            $0.add("rootfs/t", "x", mode: 0o6711)
            $0.add("rootfs/d", .directory, mode: 0o2777)
        },
        .harmless("a mode with bits of a type", [#"f 644 a "x""#]) {
            $0.add(block: "rootfs/a", type: "0", size: 1, body: Array("x".utf8)) {
                $0.replaceSubrange(100..<108, with: Array("0060644\u{0}".utf8))
            }
        },
        .harmless("data after a link, a directory and a fifo", ["d 644 d", "l l -> x", "p 644 p"]) {
            $0.add(block: "rootfs/l", type: "2", size: 5, body: []) { $0[157] = UInt8(ascii: "x") }
            $0.add(block: "rootfs/d", type: "5", size: 0)
            $0.add(block: "rootfs/p", type: "6", size: 0)
        },
    ]

    private static let damaged = "IMAGE is a damaged tar archive"

    /// Headers that lie.
    static let headers: [HostileArchive] = [
        HostileArchive("a wrong sum", .refused("\(damaged) (Damaged tar archive); get it again")) {
            var bytes = TarFixture.image().bytes()
            bytes[1024 + 110] ^= 1
            return [bytes]
        },
        HostileArchive("a negative size", .refused("\(damaged) (Tar entry has negative size); get it again")) {
            $0.add(block: "rootfs/a", type: "0", size: 0) {
                $0.replaceSubrange(124..<136, with: [UInt8](repeating: 0xff, count: 12))
            }
        },
        HostileArchive(
            "a size that overflows",
            .refused("IMAGE is a damaged tar archive (Tar entry size overflow); get it again")
        ) {
            $0.add(block: "rootfs/a", type: "0", size: 0) {
                $0.replaceSubrange(124..<136, with: [0x80, 0, 0, 0, 0x7f] + [UInt8](repeating: 0xff, count: 7))
            }
        },
        HostileArchive(
            "a negative owner", .refused(#"IMAGE: entry "rootfs/a" has an owner out of range: -2"#)
        ) {
            $0.add(block: "rootfs/a", type: "0", size: 0) {
                $0.replaceSubrange(108..<116, with: [UInt8](repeating: 0xff, count: 7) + [0xfe])
            }
        },
        HostileArchive(
            "an owner that means none", .refused(#"IMAGE: entry "rootfs/a" has an owner out of range: 4294967295"#)
        ) {
            $0.add(records: [("uid", "4294967295")])
            $0.add("rootfs/a", "x")
        },
        HostileArchive(
            "a pax size beyond the file",
            .refused(
                "IMAGE is truncated: the file ends inside the archive (Truncated tar archive); get it again")
        ) {
            $0.add(records: [("size", "1000000")])
            $0.add("rootfs/a", "x")
        },
        HostileArchive("a negative pax size", .refused("\(damaged) (Tar size attribute is negative); get it again")) {
            $0.add(records: [("size", "-1")])
            $0.add("rootfs/a", "x")
        },
        HostileArchive("a pax size that is no number", .refused("\(damaged) (Damaged tar archive); get it again")) {
            $0.add(records: [("size", "many")])
            $0.add("rootfs/a", "x")
        },
        HostileArchive(
            "a pax record without a length",
            .refused("\(damaged) (Ignoring malformed pax extended attributes); get it again")
        ) {
            $0.add(block: "records", type: "x", size: 10, body: Array("path=rootf".utf8))
            $0.add("rootfs/a", "x")
        },
        HostileArchive(
            "a pax record longer than all",
            .refused("\(damaged) (Ignoring malformed pax extended attribute); get it again")
        ) {
            $0.add(block: "records", type: "x", size: 20, body: Array("999999 path=rootfs/b\n".utf8))
            $0.add("rootfs/a", "x")
        },
        HostileArchive("a pax header larger than any", .refused("\(damaged) (Special header too large); get it again"))
        {
            $0.add(block: "records", type: "x", size: 8_589_934_591)
        },
        HostileArchive(
            "headers for headers for headers",
            .refused("\(damaged) (Ignoring malformed pax extended attribute); get it again")
        ) {
            for _ in 0..<20_000 { $0.add(records: [("comment", "x")]) }
        },
        HostileArchive("a pax header at the end", .refused("\(damaged) (Damaged tar archive); get it again")) {
            $0.add(records: [("path", "rootfs/b")])
        },
        .harmless("comments and owners of a global header change nothing", [#"f 644 b "x""#]) {
            $0.add(records: [("comment", "0123456789abcdef")], type: "g")
            $0.add(records: [("path", "rootfs/b"), ("comment", "x")])
            $0.add("rootfs/a", "x")
        },
        .harmless("a global header does not name what follows", [#"f 644 a "x""#]) {
            $0.add(records: [("path", "../../../outside/planted")], type: "g")
            $0.add("rootfs/a", "x")
        },
        .invalid(
            "a pax name that leaves the archive",
            #""../outside/x" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            $0.add(records: [("path", "rootfs/../../outside/x")])
            $0.add("rootfs/a", "x")
        },
        .invalid(
            "a pax link that leaves the archive", #""rootfs/a" is a hard link to "../etc/passwd", outside "rootfs""#
        ) {
            $0.add(records: [("linkpath", "rootfs/../../etc/passwd")])
            $0.add("rootfs/a", .hardLink, link: "rootfs/b")
        },
        .invalid(
            "a GNU name that leaves the archive",
            #""../outside/x" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            let name = Array("rootfs/../../outside/x\u{0}".utf8)
            $0.add(block: "././@LongLink", type: "L", size: name.count, body: name)
            $0.add("rootfs/a", "x")
        },
        HostileArchive("a GNU name longer than any", .refused("\(damaged) (Special header too large); get it again")) {
            $0.add(block: "././@LongLink", type: "L", size: 8_589_934_591)
        },
        .harmless("a GNU name that ends before its size", [#"f 644 b "x""#]) {
            $0.add(
                block: "././@LongLink", type: "L", size: 500,
                body: Array("rootfs/b".utf8) + [UInt8](repeating: 0, count: 492))
            $0.add("rootfs/a", "x")
        },
        HostileArchive("a GNU name for nothing", .refused("\(damaged) (Damaged tar archive); get it again")) {
            $0.add(block: "././@LongLink", type: "L", size: 9, body: Array("rootfs/b\u{0}".utf8))
        },
        HostileArchive("nothing but text", .refused("IMAGE is not an image: it is text, not a tar archive")) {
            [Array(String(repeating: "<html>", count: 200).utf8)]
        },
        HostileArchive("nothing at all", .refused("IMAGE is not an image: it is empty, not a tar archive")) { [[]] },
        HostileArchive(
            "nothing but zeros", .refused("IMAGE is not an image: it is data of an unknown kind, not a tar archive")
        ) {
            [[UInt8](repeating: 0, count: 20_000)]
        },
    ]

    /// Extended attributes; `HostileStreamTests` looks at those that are restored.
    static let attributes: [HostileArchive] = [
        .invalid(
            "a file capability that is too short", #""rootfs/a" has a file capability of 7 bytes that no kernel knows"#
        ) {
            $0.add("rootfs/a", .file, attributes: [("security.capability", "1234567")])
        },
        .invalid(
            "a file capability that is too long", #""rootfs/a" has a file capability of 21 bytes that no kernel knows"#
        ) {
            $0.add("rootfs/a", .file, attributes: [("security.capability", TreeRendererTests.capability + "\u{0}")])
        },
        .invalid(
            "a file capability of an unknown revision",
            #""rootfs/a" has a file capability of 20 bytes that no kernel knows"#
        ) {
            $0.add(
                "rootfs/a", .file,
                attributes: [("security.capability", "\u{0}\u{0}\u{0}\u{7}" + String(repeating: "\u{0}", count: 16))])
        },
        .invalid(
            "an attribute without a name",
            #""rootfs/a" has an extended attribute whose name has 5 bytes, and 255 after a prefix are the most"#
        ) {
            $0.add("rootfs/a", .file, attributes: [("user.", "x")])
        },
        .invalid(
            "an attribute with a name that is too long",
            #""rootfs/a" has an extended attribute whose name has 305 bytes, and 255 after a prefix are the most"#
        ) {
            $0.add("rootfs/a", .file, attributes: [("user." + String(repeating: "n", count: 300), "x")])
        },
        .invalid(
            "an attribute that is too large",
            #""rootfs/a" has an extended attribute of 65537 bytes, and 65536 are the most"#
        ) {
            $0.add("rootfs/a", .file, attributes: [("user.a", String(repeating: "n", count: 65537))])
        },
    ]
}
