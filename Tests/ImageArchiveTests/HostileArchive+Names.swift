// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageArchive
import TestSupport

extension HostileArchive {
    /// Names that lead elsewhere or that no system holds.
    static let names: [HostileArchive] = [
        .invalid(
            "a name that leaves the archive",
            #""../outside/x" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            $0.add("rootfs/../../outside/x", "bad")
        },
        .invalid(
            "a name that begins with two dots",
            #""../../etc/passwd" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            $0.add("../../etc/passwd", "bad")
        },
        .invalid("two dots alone", #"".." is neither "manifest" nor in "rootfs", and an image holds nothing else"#) {
            $0.add("..", .directory)
        },
        .invalid(
            "a name that leaves rootfs",
            #""etc/passwd" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            $0.add("rootfs/../etc/passwd", "bad")
        },
        .harmless("two dots that stay in rootfs", ["d 755 a", #"f 644 b "inside""#]) {
            $0.add("rootfs/a", .directory)
            $0.add("rootfs/a/../b", "inside")
        },
        .harmless("more dots than there are directories, after a link", [#"f 644 b "inside""#, "l up -> ../.."]) {
            $0.add("rootfs/up", .symbolicLink, link: "../..")
            $0.add("rootfs/up/../b", "inside")
        },
        .invalid(
            "an absolute name", #""/etc/passwd" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            $0.add("/etc/passwd", "bad")
        },
        .invalid(
            "an absolute name in rootfs",
            #""/rootfs/a" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            $0.add("/rootfs/a", "bad")
        },
        .invalid("the root directory", #""/" is neither "manifest" nor in "rootfs", and an image holds nothing else"#) {
            $0.add("/", .directory)
        },
        .invalid(
            "a name that begins like rootfs",
            #""rootfsx/a" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            $0.add("rootfsx/a", "bad")
        },
        .invalid("a link for the root of the archive", "an entry without a name is not a directory") {
            $0.add(".", .symbolicLink, link: "/")
        },
        .invalid("a file for the root of the archive", "an entry without a name is not a directory") {
            $0.add("rootfs/..", "bad")
        },
        .invalid("an empty name", "an entry without a name is not a directory") { $0.add("", "bad") },
        .harmless("a directory for the root of the archive", []) {
            $0.add("./", .directory, mode: 0o777)
            $0.add(".//.", .directory, mode: 0o777)
        },
        .harmless("a name that is not UTF-8", [#"f 644 \xff\xfe "x""#]) {
            $0.add(Array("rootfs/".utf8) + [0xff, 0xfe], .file, contents: Array("x".utf8))
        },
        .harmless("a long name that is not UTF-8", [#"f 644 \#(String(repeating: "a", count: 120))\xff "x""#]) {
            $0.add(
                Array("rootfs/".utf8) + [UInt8](repeating: 0x61, count: 120) + [0xff], .file, contents: Array("x".utf8))
        },
        .harmless("two names that differ in bytes that are no UTF-8", [#"f 644 \xfe "1""#, #"f 644 \xff "2""#]) {
            $0.add(Array("rootfs/".utf8) + [0xfe], .file, contents: Array("1".utf8))
            $0.add(Array("rootfs/".utf8) + [0xff], .file, contents: Array("2".utf8))
        },
        .harmless("a NUL within a name", [#"f 644 a "x""#]) { $0.add("rootfs/a\u{0}/../../../outside/x", "x") },
        .harmless("a NUL within a pax name", [#"f 644 a "x""#]) {
            $0.add(records: [("path", "rootfs/a\u{0}/../../../outside/x")])
            $0.add("rootfs/b", "x")
        },
        .harmless("control characters", [#"f 644 \x1b[2J\xa "x""#]) { $0.add("rootfs/\u{1b}[2J\n", "x") },
        .invalid("control characters in a message", #""rootfs/\u{1b}[2J\u{a}rkt: done" appears twice"#) {
            $0.add("rootfs/\u{1b}[2J\nrkt: done", "x")
            $0.add("rootfs/\u{1b}[2J\nrkt: done", "x")
        },
        .invalid(
            "a part of a name that no file system holds",
            #""rootfs/\#(String(repeating: "n", count: 93))…" has a part of 256 bytes, and 255 are the most"#
        ) {
            $0.add("rootfs/" + String(repeating: "n", count: 256), "x")
        },
        .harmless("the longest part of a name", [#"f 644 \#(String(repeating: "n", count: 255)) "x""#]) {
            $0.add("rootfs/" + String(repeating: "n", count: 255), "x")
        },
        HostileArchive(
            "a name that no system call takes", .refused("IMAGE holds a name of more than 4095 bytes")
        ) { $0.add("rootfs" + String(repeating: "/" + String(repeating: "n", count: 99), count: 50), "x") },
        .invalid(
            "directories nested too deep",
            #""rootfs\#(String(repeating: "/d", count: 47))…" is nested deeper than 1024, the most allowed"#
        ) {
            $0.add("rootfs" + String(repeating: "/d", count: 1024), "x")
        },
        HostileArchive(
            "more directories than entries are allowed",
            .refused(
                "IMAGE holds more than 2000 entries, the most allowed; if you trust it, raise \"imageEntries\" in a "
                    + "configuration file of the kind limits"), limits: ArchiveLimits(entries: 2000)
        ) {
            for number in 0..<3 { $0.add("rootfs/\(number)" + String(repeating: "/d", count: 1000), "x") }
        },
        .invalid("one name twice", #""rootfs/a" appears twice"#) {
            $0.add("rootfs/a", "1")
            $0.add("rootfs/./b/../a", "2")
        },
        .invalid("a directory replaced by a link", #""rootfs/d" appears twice"#) {
            $0.add("rootfs/d", .directory)
            $0.add("rootfs/d/a", "1")
            $0.add("rootfs/d", .symbolicLink, link: "../../outside")
            $0.add("rootfs/d/passwd", "bad")
        },
        .invalid("a link replaced by a directory", #""rootfs/d" appears twice"#) {
            $0.add("rootfs/d", .symbolicLink, link: "../../outside")
            $0.add("rootfs/d", .directory)
            $0.add("rootfs/d/passwd", "bad")
        },
        .harmless("a directory without an entry replaced by a link", ["d 755 d", #"f 644 d/a "1""#, #"f 644 d/b "2""#])
        {
            $0.add("rootfs/d/a", "1")
            $0.add("rootfs/d", .symbolicLink, link: "../../outside")
            $0.add("rootfs/d/b", "2")
        },
    ]

    /// Archives whose manifest or root is not what it has to be.
    static let layouts: [HostileArchive] = [
        .noImage("no manifest", #"it holds no "manifest" file"#) { $0.add("rootfs", .directory) },
        .noImage("no root", #"it holds no entry for the "rootfs" directory"#) {
            $0.add("manifest", TarFixture.manifest())
            $0.add("rootfs/a", "x")
        },
        .noImage("a directory for a manifest", #""manifest" is not a regular file"#) { $0.add("manifest", .directory) },
        .noImage("a link for a manifest", #""manifest" is not a regular file"#) {
            $0.add("manifest", .symbolicLink, link: "/etc/passwd")
        },
        .noImage("a hard link for a manifest", #""manifest" is not a regular file"#) {
            $0.add("rootfs/m", TarFixture.manifest())
            $0.add("manifest", .hardLink, link: "rootfs/m")
        },
        .noImage("a fifo for a manifest", #""manifest" is not a regular file"#) { $0.add("manifest", .fifo) },
        .noImage("a device for a manifest", #""manifest" is not a regular file"#) {
            $0.add("manifest", .characterDevice, device: (1, 5))
        },
        .invalid("two manifests", #""manifest" appears twice"#) { $0.add("./manifest", TarFixture.manifest()) },
        .invalid(
            "a file below the manifest",
            #""manifest/x" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            $0.add("manifest/x", "x")
        },
        HostileArchive("a manifest that is not first", .rendered([#"f 644 a "x""#])) {
            var tar = TarFixture()
            tar.add("rootfs/a", "x")
            tar.add("rootfs", .directory)
            tar.add("manifest", TarFixture.manifest())
            return [tar.bytes()]
        },
        HostileArchive(
            "a manifest of zeros without end",
            .refused("IMAGE: its manifest is larger than 4194304 bytes, the most allowed")
        ) {
            var tar = TarFixture()
            tar.add(block: "manifest", type: "0", size: 4_194_305, body: [UInt8](repeating: 0, count: 4_194_305))
            return [tar.bytes()]
        },
        HostileArchive(
            "a manifest nested without end",
            .refused(
                "IMAGE: its manifest is not valid: malformed JSON: line 1, column 129: lists and objects are nested "
                    + "deeper than 128")
        ) { [TarFixture.image(String(repeating: "[", count: 100_000)).bytes()] },
        HostileArchive(
            "an empty manifest",
            .refused(
                "IMAGE: its manifest is not valid: malformed JSON: line 1, column 1: the document is empty")
        ) {
            [TarFixture.image("").bytes()]
        },
        .noImage("a file for rootfs", #""rootfs" is not a directory"#) { $0.add("rootfs", "x") },
        .noImage("a link for rootfs", #""rootfs" is not a directory"#) { $0.add("rootfs", .symbolicLink, link: "/") },
        .noImage("a hard link for rootfs", #""rootfs" is not a directory"#) {
            $0.add("manifest", TarFixture.manifest())
            $0.add("rootfs", .hardLink, link: "manifest")
        },
        .invalid("two roots", #""rootfs" appears twice"#) { $0.add("rootfs/.", .directory) },
        .invalid(
            "an entry outside of both",
            #""boot/vmlinuz" is neither "manifest" nor in "rootfs", and an image holds nothing else"#
        ) {
            $0.add("boot/vmlinuz", "x")
        },
    ]
}
