// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ImageFetch
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What becomes of an image here and with umoci, a program that unpacks layers onto a disk one by one.
struct UnpackingComparisonTests {
    @Test(.requiresRoot, .requires("umoci"))
    func everyFileIsAsUmociUnpacksIt() throws {
        let fixture = try LayoutFixture()
        let image = try fixture.addImage(
            try UnpackingComparisonTests.layers().enumerated().map { index, tar in
                try UnpackingComparisonTests.compressed(tar, index, in: fixture.scratch)
            }, extra: LayoutFixture.reference("test"))
        try fixture.writeIndex([image])
        let bundle = fixture.scratch.appending("bundle")
        _ = try Program.output("umoci", "unpack", "--image", "\(fixture.path):test", bundle.string)
        var expected = try FileFacts.tree(bundle.appending("rootfs"))
        var found = try fixture.tree()
        #expect(expected.count > 50)
        // Directories without an entry get the time of unpacking, and those that umoci changes later keep that one.
        for name in UnpackingComparisonTests.touchedDirectories {
            #expect(expected[name]?.type == .directory)
            expected[name]?.modification = 0
            found[name]?.modification = 0
        }
        #expect(found.keys.sorted() == expected.keys.sorted())
        for (name, facts) in expected { #expect(found[name] == facts, "\(name)") }
    }

    /// Changes to a root file system, one layer each, as somebody who builds images makes them.
    private static let changes = [
        """
        mkdir -p bin etc/conf.d var/cache/deep/er usr/share/doc tmp; chmod 1777 tmp
        cp /bin/sh bin/sh; ln bin/sh bin/ash; chmod 4755 bin/sh; ln -s sh bin/dash; mkfifo -m 600 tmp/fifo
        for i in $(seq 50); do echo $i > usr/share/doc/$i; done; echo one > etc/conf.d/one; echo two > etc/conf.d/two
        truncate -s 3M var/cache/hole; echo end >> var/cache/hole; echo x > var/cache/deep/er/x
        mknod tmp/null c 1 3; echo long > usr/share/$(printf 'n%.0s' $(seq 200)); chown -R 12:34 usr/share/doc
        """,
        "ln bin/ash bin/hush; rm etc/conf.d/one; echo 2 > etc/conf.d/two; rm -r var/cache; mkdir var/cache; touch var/cache/n",
        "rm -r usr/share/doc; echo file > usr/share/doc; rm tmp/fifo; mkdir tmp/fifo; echo in > tmp/fifo/in",
        "rm usr/share/doc; mkdir usr/share/doc; echo 1 > usr/share/doc/1; cp bin/dash bin/other; ln bin/other bin/another",
        "rm bin/sh; ln -s ash bin/sh; chmod 700 etc/conf.d; chown 5:6 etc/conf.d/two; rm bin/another; : > usr/share/doc/e",
    ]

    @Test(.requiresRoot, .requires("umoci"))
    func layersThatUmociMakesFromChangesComeOutAsTheLastState() throws {
        let fixture = try LayoutFixture()
        try FileSystem.removeTree(fixture.path)
        let image = "\(fixture.path):test"
        let bundle = fixture.scratch.appending("bundle")
        _ = try Program.output("umoci", "init", "--layout", fixture.path.string)
        _ = try Program.output("umoci", "new", "--image", image)
        _ = try Program.output("umoci", "unpack", "--image", image, bundle.string)
        for (index, change) in UnpackingComparisonTests.changes.enumerated() {
            _ = try Program.output("sh", "-ec", "cd \(bundle)/rootfs; \(change)")
            let tagged = bundle.appending("rootfs").appending("bin").appending("ash")
            try ExtendedAttributes.set("user.change", Array("\(index)".utf8), of: tagged)
            _ = try Program.output("umoci", "repack", "--refresh-bundle", "--image", image, bundle.string)
        }
        let expected = try UnpackingComparisonTests.comparable(FileFacts.tree(bundle.appending("rootfs")))
        let found = try UnpackingComparisonTests.comparable(fixture.tree())
        #expect(found.keys.sorted() == expected.keys.sorted())
        for (name, facts) in expected { #expect(found[name] == facts, "\(name)") }
    }

    /// Without what layers do not tell: the fractions of times, which are rounded, and when the names in a directory have changed.
    private static func comparable(_ tree: [String: FileFacts]) -> [String: FileFacts] {
        tree.mapValues { facts in
            var facts = facts
            facts.modification = facts.type == .directory ? 0 : (facts.modification + 500_000_000) / 1_000_000_000
            return facts
        }
    }

    private static let touchedDirectories = [
        ".", "./deep", "./deep/er", "./opt", "./opt/made", "./srv", "./srv/data", "./usr", "./usr/local",
    ]

    /// Every other layer is compressed.
    private static func compressed(
        _ tar: TarFixture, _ index: Int, in scratch: ScratchDirectory
    ) throws -> LayoutFixture.Layer {
        var layer = LayoutFixture.Layer(tar)
        guard index % 2 == 0 else { return layer }
        let plain = scratch.appending("layer\(index).tar")
        try FileSystem.write(layer.plain, to: plain)
        layer.bytes = try Program.output("gzip", "-nc", input: plain)
        layer.mediaType += "+gzip"
        return layer
    }

    /// CAP_NET_RAW, as the kernel keeps it (revision 2 of capabilities(7)).
    private static let capability = [
        ("security.capability", "\u{1}\u{0}\u{0}\u{2}\u{0}\u{20}" + String(repeating: "\u{0}", count: 14))
    ]

    private static func layers() -> [TarFixture] {
        var base = TarFixture()
        base.add("./", .directory, mode: 0o755)
        base.add("./bin", .symbolicLink, link: "usr/bin", mode: 0o777)
        for name in ["usr/", "usr/bin/", "etc/", "var/", "var/cache/", "var/lib/", "opt/", "opt/gone/", "dev/"] {
            base.add(name, .directory, mode: 0o755)
        }
        base.add("tmp/", .directory, mode: 0o1777)
        base.add("home/", .directory, mode: 0o750, uid: 1000, gid: 1001)
        base.add("usr/bin/busybox", "#!busybox", mode: 0o4755)
        for name in ["sh", "ls", "cat", "vi"] { base.add("usr/bin/\(name)", .hardLink, link: "usr/bin/busybox") }
        base.add(Array("usr/bin/ping".utf8), .file, mode: 0o755, contents: [1, 2, 3], attributes: capability)
        base.add(
            Array("etc/tagged".utf8), .file, uid: 5, gid: 6, contents: [9],
            attributes: [("user.a", "1"), ("user.b", "22")])
        base.add("etc/passwd", "root:x:0:0::/:/bin/sh\n")
        base.add("etc/shadow", "secret", mode: 0o600)
        base.add("etc/conf", "old")
        for name in ["a", "b", "c"] { base.add("var/cache/\(name)", name) }
        base.add("var/cache/sub/", .directory, mode: 0o700)
        base.add("var/cache/sub/x", "x")
        base.add("opt/gone/file", "gone")
        base.add("opt/kept", "kept")
        base.add("dev/null", .characterDevice, mode: 0o666, device: (1, 3))
        base.add("dev/loop", .blockDevice, mode: 0o660, gid: 6, device: (7, 300))
        base.add("dev/initctl", .fifo, mode: 0o600)
        base.add("var/lib/tree/", .directory, mode: 0o755)
        base.add("var/lib/tree/leaf", "leaf")
        base.add("var/lib/file", "file")
        base.add("deep/er/than/", .directory, mode: 0o711)
        base.add("deep/er/than/file", "implied parents")
        base.add("var/link", .symbolicLink, link: "lib/file", mode: 0o777)
        base.add(
            "usr/" + String(repeating: "long-name-", count: 20), String(repeating: "contents", count: 1000), mode: 0o644
        )
        base.add("var/longlink", .symbolicLink, link: "/" + String(repeating: "target/", count: 30), mode: 0o777)

        // Whiteouts of a file, a directory, one name of several, and of a link.
        var second = TarFixture()
        second.add("etc/", .directory, mode: 0o711, uid: 3)
        second.add("etc/.wh.shadow", "")
        second.add("opt/.wh.gone", "")
        second.add("usr/bin/.wh.busybox", "")
        second.add("var/.wh.link", "")
        second.add("etc/conf", "new", mode: 0o640)
        // Hard links to a file of the layer below, which is replaced further up.
        second.add("usr/bin/ash", .hardLink, link: "usr/bin/sh")
        second.add("etc/conf.link", .hardLink, link: "etc/conf")
        second.add("srv/data/kept", .hardLink, link: "opt/kept")

        // An opaque directory with files before and behind the mark, a directory for a file and the reverse.
        var third = TarFixture()
        third.add("var/cache/", .directory, mode: 0o770, gid: 7)
        third.add("var/cache/new", "new")
        third.add("var/cache/.wh..wh..opq", "")
        third.add("var/cache/newer", "newer")
        third.add("var/lib/tree", "now a file", mode: 0o644)
        third.add("var/lib/file/", .directory, mode: 0o755)
        third.add("var/lib/file/inside", "inside")
        third.add("usr/bin/sh", "another shell", mode: 0o755)
        // Through a symbolic link of a lower layer.
        third.add("bin/through", "through a link")
        third.add("usr/local/share/", .directory, mode: 0o755)

        // Files that were taken away come back; links among them; a whiteout behind what it must not touch.
        var fourth = TarFixture()
        fourth.add("opt/gone/", .directory, mode: 0o700, uid: 12)
        fourth.add("opt/gone/again", "again")
        fourth.add("opt/gone/linked", .hardLink, link: "opt/gone/again")
        fourth.add("opt/.wh.gone", "")
        fourth.add(Array("etc/shadow".utf8), .file, mode: 0o400, gid: 42, contents: Array("other secret".utf8))
        fourth.add("etc/shadow-", .hardLink, link: "etc/shadow")
        fourth.add("usr/bin/.wh.cat", "")
        fourth.add("var/lib/.wh.tree", "")
        fourth.add("var/lib/tree/", .directory, mode: 0o755)
        fourth.add("var/lib/tree/fresh", "fresh")
        fourth.add("opt/made/here", "here")

        // The other name of a file that a lower layer linked goes, and one gets other contents.
        var fifth = TarFixture()
        fifth.add("etc/.wh.shadow", "")
        fifth.add("opt/kept", "replaced")
        fifth.add("etc/tagged", "without attributes")
        fifth.add("home/", .directory, mode: 0o700, uid: 1002, gid: 1003)
        fifth.add("home/socket", .fifo, mode: 0o640, uid: 1002)
        fifth.add("var/longlink", .symbolicLink, link: "short", mode: 0o777)

        var sixth = TarFixture()
        sixth.add("usr/bin/vi", "editor", mode: 0o755)
        sixth.add("usr/bin/view", .hardLink, link: "usr/bin/vi")
        sixth.add("var/cache/.wh.new", "")
        sixth.add("./tmp/", .directory, mode: 0o1770, time: 1_234_567_890)
        sixth.add("empty", "")
        return [base, second, third, fourth, fifth, sixth]
    }
}
