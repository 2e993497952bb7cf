// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import ImageArchive
import ImageFetch
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Cases of layers that other programs treat in different ways, or that only a hostile image has.
@Suite(.requiresRoot) struct LayerTreeTests {
    private func layers(_ fill: ((inout TarFixture) -> Void)...) -> [TarFixture] {
        fill.map { fill in
            var tar = TarFixture()
            fill(&tar)
            return tar
        }
    }

    private func tree(_ fill: ((inout TarFixture) -> Void)...) throws -> [String: FileFacts] {
        try LayoutFixture.image(
            fill.map { fill in
                var tar = TarFixture()
                fill(&tar)
                return tar
            }
        ).tree()
    }

    private func digest(_ text: String) -> String { ContentDigest(of: Array(text.utf8)).hex }

    @Test func missingParentsAndRootAreRootsOwn() throws {
        let tree = try tree({ $0.add("a/b/c", "c") })
        for name in [".", "./a", "./a/b"] {
            #expect(tree[name]?.mode == 0o755 && tree[name]?.owner == [0, 0])
            #expect(tree[name]?.modification == 0)
        }
    }

    @Test func theTopmostEntryOfADirectoryGivesItsAttributes() throws {
        let tree = try tree(
            {
                $0.add("d/", .directory, mode: 0o755, uid: 1, time: 1)
                $0.add("d/low", "low")
            },
            {
                $0.add("d/high", "high")
                $0.add("d/", .directory, mode: 0o2750, uid: 2, gid: 3, time: 2)
            })
        #expect(tree["./d"]?.mode == 0o2750 && tree["./d"]?.owner == [2, 3])
        #expect(tree["./d"]?.modification == 2_000_000_000)
        #expect(tree["./d/low"] != nil && tree["./d/high"] != nil)
    }

    @Test func theLastOfSeveralEntriesOfAnArchiveCounts() throws {
        let tree = try tree({
            $0.add("f", "first")
            $0.add("d/", .directory, mode: 0o700)
            $0.add("linked", .hardLink, link: "f")
            $0.add("f", "second")
            $0.add("d/", .directory, mode: 0o711)
        })
        #expect(tree["./f"]?.contents == digest("second"))
        #expect(tree["./linked"]?.contents == digest("first"))
        #expect(tree["./f"]?.linkCount == 1)
        #expect(tree["./d"]?.mode == 0o711)
    }

    @Test func aLinkKeepsTheFileThatItWasMadeTo() throws {
        let tree = try tree(
            { $0.add("a", "old") },
            { $0.add("b", .hardLink, link: "a") },
            {
                $0.add("a", "new")
                $0.add("c", .hardLink, link: "b")
            },
            { $0.add(".wh.b", "") })
        #expect(tree["./a"]?.contents == digest("new"))
        #expect(tree["./c"]?.contents == digest("old"))
        #expect(tree["./b"] == nil)
        #expect(tree["./c"]?.linkCount == 1)
    }

    @Test func linksToLinksAndNodesAreOneFile() throws {
        let tree = try tree({
            $0.add("s", .symbolicLink, link: "nowhere", mode: 0o777)
            $0.add("t", .hardLink, link: "s")
            $0.add("fifo", .fifo, mode: 0o600)
            $0.add("fifo2", .hardLink, link: "./fifo")
        })
        #expect(tree["./t"]?.contents == "nowhere" && tree["./t"]?.firstName == "./s")
        #expect(tree["./fifo2"]?.firstName == "./fifo" && tree["./fifo"]?.linkCount == 2)
    }

    @Test func namesLeadThroughLinksButNeverOut() throws {
        let tree = try tree(
            {
                $0.add("usr/lib/", .directory)
                $0.add("lib", .symbolicLink, link: "/usr/../../../usr/lib", mode: 0o777)
                $0.add("out", .symbolicLink, link: "../../../../tmp/rkt-outside", mode: 0o777)
            },
            {
                $0.add("lib/file", "file")
                $0.add("lib/again", .hardLink, link: "lib/file")
                $0.add("out/escaped", "no")
            })
        #expect(tree["./lib"]?.type == .symbolicLink)
        #expect(tree["./usr/lib/file"]?.linkCount == 2)
        #expect(tree["./tmp/rkt-outside/escaped"] != nil)
        #expect(!FileSystem.exists("/tmp/rkt-outside"))
    }

    @Test func aWhiteoutSparesItsOwnLayerWhereverItStands() throws {
        for first in [true, false] {
            let tree = try tree(
                {
                    $0.add("d/low", "low")
                    $0.add("d/sub/low", "low")
                },
                {
                    if first { $0.add(".wh.d", "") }
                    $0.add("d/high", "high")
                    $0.add("d/sub/high", "high")
                    if !first { $0.add(".wh.d", "") }
                })
            #expect(tree.keys.sorted() == [".", "./d", "./d/high", "./d/sub", "./d/sub/high"])
        }
    }

    @Test func marksOfStorageDriversAreNoFiles() throws {
        let tree = try tree({
            $0.add(".wh..wh.aufs", "")
            $0.add(".wh..wh.plnk/", .directory)
            $0.add(".wh..wh.plnk/1.2", "linked")
            $0.add("file", .hardLink, link: ".wh..wh.plnk/1.2")
            $0.add(".wh.nothing", "")
            $0.add("none/.wh..wh..opq", "")
        })
        #expect(tree.keys.sorted() == [".", "./file"])
        #expect(tree["./file"]?.contents == digest("linked"))
    }

    @Test func aMarkMayBeRepeatedWithoutEnd() throws {
        let count = 30_000
        let fixture = try LayoutFixture.image(
            layers(
                { $0.add("low", "low") },
                { tar in
                    for number in 0..<count { tar.add("high\(number)", "") }
                    for _ in 0..<count { tar.add(".wh..wh..opq", "") }
                }))
        let start = cpuTime()
        let archive = try fixture.convert().archive
        #expect(cpuTime() - start < 10_000_000_000)
        let names = try Program.output("tar", "-tf", archive.string).split(separator: UInt8(ascii: "\n"))
        #expect(names.count == count + 2)
    }

    @Test func holesStayHoles() throws {
        let fixture = try LayoutFixture()
        let file = fixture.scratch.appending("sparse")
        let descriptor = try FileDescriptor.open(file, .writeOnly, options: [.create], permissions: [.ownerReadWrite])
        try FileSystem.setSize(64 << 20, of: descriptor)
        _ = try Array("data".utf8).withUnsafeBytes { try descriptor.write(toAbsoluteOffset: 20 << 20, $0) }
        try descriptor.close()
        var layer = LayoutFixture.Layer(TarFixture())
        layer.plain = try Program.output("tar", "-cS", "-C", fixture.scratch.path.string, "sparse")
        layer.bytes = layer.plain
        try fixture.writeIndex([try fixture.addImage([layer])])
        let archive = try fixture.convert().archive
        #expect(try FileSystem.status(archive).size < 1 << 20)
        let facts = try FileFacts.tree(fixture.render(archive))
        #expect(facts["./sparse"]?.size == 64 << 20)
        #expect(facts["./sparse"]?.contents == ContentDigest(of: try FileSystem.read(file, limit: 1 << 28)).hex)
    }

    @Test func equalLayersMakeEqualImages() throws {
        let fixture = try LayoutFixture.image(
            layers(
                { tar in for name in ["z", "b", "a/y", "a/x"] { tar.add(name, name) } },
                { $0.add("linked", .hardLink, link: "b") }))
        let first = try FileSystem.read(fixture.convert().archive)
        #expect(try FileSystem.read(fixture.convert().archive) == first)
        // GNU tar reads them as well.
        let listing = try Program.output("tar", "-tf", fixture.scratch.appending("image.aci").string)
        #expect(
            String(decoding: listing, as: UTF8.self).split(separator: "\n") == [
                "manifest", "rootfs/", "rootfs/a/", "rootfs/a/x", "rootfs/a/y", "rootfs/b", "rootfs/linked", "rootfs/z",
            ])
    }

    @Test(arguments: [
        ("../x", "", "outside the root"), ("/etc/x", "", "outside the root"), ("a/../../x", "", "outside the root"),
        ("a", "/etc/shadow", "outside the root"), ("a", "../shadow", "outside the root"), ("a", "a", "to itself"),
        ("a", "missing", "neither it nor a lower layer"), ("a", "dir", "to the directory"),
        ("through/.wh.x", "", "beneath a symbolic link"), (".wh.", "", "whiteout of nothing"),
        (".wh..", "", "whiteout of nothing"), (".wh...", "", "whiteout of nothing"),
        ("loop/x", "", "40 symbolic links"),
        (String(repeating: "n", count: 256), "", "more than 255 bytes"),
        (String(repeating: "d/", count: 1100) + "x", "", "nested deeper than 1024"),
    ])
    func hostileNamesAreRefused(name: String, link: String, message: String) throws {
        var base = TarFixture()
        base.add("dir/", .directory)
        base.add("through", .symbolicLink, link: "dir", mode: 0o777)
        base.add("loop", .symbolicLink, link: "loop", mode: 0o777)
        var tar = TarFixture()
        if link.isEmpty { tar.add(name, "x") } else { tar.add(name, .hardLink, link: link) }
        let refusal = try LayoutFixture.image([base, tar]).refusal()
        #expect(refusal.contains(message))
        #expect(refusal.contains("layer 2 of 2 of layout"))
    }

    @Test func limitsHoldForAllLayersTogether() throws {
        let fixture = try LayoutFixture.image(
            layers(
                { $0.add("a", String(repeating: "a", count: 700)) }, { $0.add("a", String(repeating: "b", count: 700)) }
            ))
        var settings = fixture.settings
        settings.archiveLimits = ArchiveLimits(expandedBytes: 1000)
        #expect(try fixture.refusal(settings: settings).contains("bytes, the most allowed"))
        settings.archiveLimits = ArchiveLimits(entries: 1)
        #expect(try fixture.refusal(settings: settings).contains("1 files, the most allowed"))
        // Parents without an entry count too.
        let deep = try LayoutFixture.image(layers { $0.add("a/b/c/d/e", "x") })
        settings.archiveLimits = ArchiveLimits(entries: 4)
        #expect(try deep.refusal(settings: settings).contains("4 files, the most allowed"))
    }
}

/// The processor time that this thread has taken, in nanoseconds: other tests may keep the processors busy.
private func cpuTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
