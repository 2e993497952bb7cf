// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageArchive
import TestSupport

extension HostileArchive {
    private static func image(_ name: String, needs dependency: String? = nil, _ fill: (inout TarFixture) -> Void)
        -> [UInt8]
    {
        let extra = dependency.map { #","dependencies":[{"imageName":"\#($0)"}]"# } ?? ""
        var tar = TarFixture.image(TarFixture.manifest(name: name, extra: extra))
        fill(&tar)
        return tar.bytes()
    }

    /// Symbolic and hard links.
    static let links: [HostileArchive] = [
        .harmless("files beneath a link out of the tree", ["l out -> ../../../../outside"]) {
            $0.add("rootfs/out", .symbolicLink, link: "../../../../outside")
            $0.add("rootfs/out/planted", "bad")
            $0.add("rootfs/out/d/planted", "bad")
        },
        .harmless("files beneath an absolute link", ["l out -> /tmp"]) {
            $0.add("rootfs/out", .symbolicLink, link: "/tmp")
            $0.add("rootfs/out/rkt-planted", "bad")
        },
        .harmless("files beneath a link into the tree", ["d 755 own", "l in -> own"]) {
            $0.add("rootfs/own", .directory)
            $0.add("rootfs/in", .symbolicLink, link: "own")
            $0.add("rootfs/in/planted", "bad")
        },
        .harmless("files beneath a link to a link", ["l a -> b", "l b -> ../../../../outside"]) {
            $0.add("rootfs/a", .symbolicLink, link: "b")
            $0.add("rootfs/b", .symbolicLink, link: "../../../../outside")
            $0.add("rootfs/a/planted", "bad")
        },
        .harmless("files beneath a link to itself", ["l a -> a"]) {
            $0.add("rootfs/a", .symbolicLink, link: "a")
            $0.add("rootfs/a/planted", "bad")
        },
        .harmless("directories, links and devices beneath a link", ["l out -> ../../../../outside"]) {
            $0.add("rootfs/out", .symbolicLink, link: "../../../../outside")
            $0.add("rootfs/out/d", .directory)
            $0.add("rootfs/out/l", .symbolicLink, link: "x")
            $0.add("rootfs/out/c", .characterDevice, device: (1, 3))
            $0.add("rootfs/out/p", .fifo)
        },
        .harmless("files beneath a file", [#"f 644 a "x""#]) {
            $0.add("rootfs/a", "x")
            $0.add("rootfs/a/b", "bad")
        },
        .harmless("files beneath a device", ["c 755 a 1:3"]) {
            $0.add("rootfs/a", .characterDevice, device: (1, 3))
            $0.add("rootfs/a/b", "bad")
        },
        HostileArchive("a link of a dependency beneath a directory", .rendered(["d 755 lib", #"f 644 lib/x "own""#])) {
            [
                image("example.com/base") { $0.add("rootfs/lib", .symbolicLink, link: "../../../../outside") },
                image("example.com/app", needs: "example.com/base") { $0.add("rootfs/lib/x", "own") },
            ]
        },
        HostileArchive("files of a dependency beneath a link", .rendered(["l lib -> ../../../../outside"])) {
            [
                image("example.com/base") { $0.add("rootfs/lib/planted", "bad") },
                image("example.com/app", needs: "example.com/base") {
                    $0.add("rootfs/lib", .symbolicLink, link: "../../../../outside")
                },
            ]
        },
        HostileArchive(
            "a hard link of a dependency through a link",
            .rendered([#"f 644 stolen "own""#, "l etc -> ../../../../etc"])
        ) {
            [
                image("example.com/base") {
                    $0.add("rootfs/etc/passwd", "own")
                    $0.add("rootfs/stolen", .hardLink, link: "rootfs/etc/passwd")
                },
                image("example.com/app", needs: "example.com/base") {
                    $0.add("rootfs/etc", .symbolicLink, link: "../../../../etc")
                },
            ]
        },
        HostileArchive(
            "a hard link to a file of a dependency",
            .refused(
                #"IMAGE is not a valid image: "rootfs/b" is a hard link to "rootfs/a", which is no file of the image"#)
        ) {
            [
                image("example.com/base") { $0.add("rootfs/a", "x") },
                image("example.com/app", needs: "example.com/base") {
                    $0.add("rootfs/b", .hardLink, link: "rootfs/a")
                },
            ]
        },
        .invalid("a hard link to an absolute name", #""rootfs/a" is a hard link to "/etc/passwd", outside "rootfs""#) {
            $0.add("rootfs/a", .hardLink, link: "/etc/passwd")
        },
        .invalid(
            "a hard link out of the archive", #""rootfs/a" is a hard link to "../../etc/passwd", outside "rootfs""#
        ) {
            $0.add("rootfs/a", .hardLink, link: "rootfs/../../../etc/passwd")
        },
        .invalid("a hard link to the manifest", #""rootfs/a" is a hard link to "manifest", outside "rootfs""#) {
            $0.add("rootfs/a", .hardLink, link: "manifest")
        },
        .invalid("a hard link to the root", #""rootfs/a" is a hard link to the directory "rootfs""#) {
            $0.add("rootfs/a", .hardLink, link: "rootfs")
        },
        .invalid("a hard link to a directory", #""rootfs/a" is a hard link to the directory "rootfs/d""#) {
            $0.add("rootfs/d", .directory)
            $0.add("rootfs/a", .hardLink, link: "rootfs/d")
        },
        .invalid(
            "a hard link to a later directory",
            #""rootfs/a" is a hard link to "rootfs/d", which is no file of the image"#
        ) {
            $0.add("rootfs/a", .hardLink, link: "rootfs/d")
            $0.add("rootfs/d", .directory)
        },
        .invalid(
            "a hard link to a directory without an entry",
            #""rootfs/a" is a hard link to "rootfs/d", which is no file of the image"#
        ) {
            $0.add("rootfs/d/x", "x")
            $0.add("rootfs/a", .hardLink, link: "rootfs/d")
        },
        .invalid("a hard link to nothing", #""rootfs/a" is a hard link to "rootfs/b", which is no file of the image"#) {
            $0.add("rootfs/a", .hardLink, link: "rootfs/b")
        },
        .invalid(
            "a hard link through a link",
            #""rootfs/a" is a hard link to "rootfs/out/passwd", which is no file of the image"#
        ) {
            $0.add("rootfs/out", .symbolicLink, link: "../../../../etc")
            $0.add("rootfs/a", .hardLink, link: "rootfs/out/passwd")
        },
        .harmless("a hard link to an entry beneath a link", [#"f 644 a "own""#, "l out -> ../../../../etc"]) {
            $0.add("rootfs/out", .symbolicLink, link: "../../../../etc")
            $0.add("rootfs/out/passwd", "own")
            $0.add("rootfs/a", .hardLink, link: "rootfs/out/passwd")
        },
        .harmless(
            "a hard link to a link out of the tree", ["l a -> ../../../../etc/passwd", "l b -> ../../../../etc/passwd"]
        ) {
            $0.add("rootfs/a", .symbolicLink, link: "../../../../etc/passwd")
            $0.add("rootfs/b", .hardLink, link: "rootfs/a")
        },
        .harmless("a hard link beneath a link", [#"f 644 a "x""#, "l out -> ../../../../outside"]) {
            $0.add("rootfs/a", "x")
            $0.add("rootfs/out", .symbolicLink, link: "../../../../outside")
            $0.add("rootfs/out/b", .hardLink, link: "rootfs/a")
        },
        .harmless("a hard link to a later file", [#"f 644 a "x""#, #"f 644 b "x""#]) {
            $0.add("rootfs/a", .hardLink, link: "rootfs/b")
            $0.add("rootfs/b", "x")
        },
        .harmless("a chain of hard links to a later file", [#"f 644 a "x""#, #"f 644 b "x""#, #"f 644 c "x""#]) {
            $0.add("rootfs/a", .hardLink, link: "rootfs/b")
            $0.add("rootfs/b", .hardLink, link: "rootfs/c")
            $0.add("rootfs/c", "x")
        },
        .invalid("a hard link to itself", #""rootfs/a" is a hard link that leads back to itself"#) {
            $0.add("rootfs/a", .hardLink, link: "rootfs/a")
        },
        .invalid(
            "a long chain of hard links to nothing",
            #""rootfs/1999" is a hard link to "rootfs/2000", which is no file of the image"#
        ) {
            for number in 0..<2000 { $0.add("rootfs/\(number)", .hardLink, link: "rootfs/\(number + 1)") }
        },
        .invalid("a link to nowhere", #""rootfs/a" is a symbolic link with a text of 0 bytes, which no system holds"#) {
            $0.add("rootfs/a", .symbolicLink, link: "")
        },
        .invalid(
            "a link that is too long",
            #""rootfs/a" is a symbolic link with a text of 4096 bytes, which no system holds"#
        ) {
            $0.add("rootfs/a", .symbolicLink, link: String(repeating: "x/", count: 2048))
        },
    ]
}
