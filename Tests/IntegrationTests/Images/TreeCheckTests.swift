// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

/// Trees that are not what they were when a pod is to be made of them.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct TreeCheckTests {
    private static let failure = "image: tree cache verification failed for image \"example.com/busybox\""

    @Test(
        arguments: [
            "printf X | dd of=etc/passwd conv=notrunc status=none", "touch etc/added", "chmod 666 etc/passwd",
            "rm etc/group", "chown 1:1 etc", "mv etc/group etc/groups",
        ])
    func `a damaged tree is unpacked anew for a pod`(damage: String) async throws {
        try await PodFixture.with { fixture in
            let image = BuildProducts.image("busybox").string
            let sound = try await fixture.rkt("prepare", image)
            #expect(sound.status == 0)
            #expect(sound.complaints == [])
            let list = "tree=$(dirname $data/cas/tree/deps-*/rootfs/etc/passwd); cd $tree/..; "
            let facts = list + "find . -printf '%p %y %m %U %G %s\\n' | sort | grep -v '^[.]/[^/]* d'; cat etc/passwd"
            let before = try await fixture.shell(facts).output
            #expect(try await fixture.shell(list + damage).status == 0)
            let repaired = try await fixture.rkt("prepare", image)
            #expect(repaired.status == 0)
            #expect(repaired.lines.count == 1)
            #expect(repaired.complaints.count == 1)
            #expect(repaired.complaints.first?.hasPrefix(Self.failure) == true, "\(repaired.error)")
            #expect(try await fixture.shell(facts).output == before)
            #expect(try await fixture.rkt("prepare", image).complaints == [])
            let collected = try await fixture.rkt("gc", "--expire-prepared=0s", "--grace-period=0s")
            #expect(collected.status == 0)
            #expect(try await fixture.rkt("image", "gc").status == 0)
            #expect(try await fixture.shell("ls -A $data/cas/tree").output == "")
        }
    }

    @Test func `nothing is checked with ondisk`() async throws {
        try await PodFixture.with { fixture in
            let image = BuildProducts.image("busybox").string
            #expect(
                try await fixture.shell("touch $(dirname $data/cas/tree/deps-*/rootfs/etc/passwd)/added").status == 0)
            let taken = try await fixture.rkt("--insecure-options=image,ondisk", "prepare", image)
            #expect(taken.status == 0)
            #expect(taken.complaints == ["image: warning: on-disk verification has been disabled"])
            #expect(try await fixture.shell("ls $data/cas/tree/deps-*/rootfs/etc/added").lines.count == 1)
        }
    }

    @Test func `fetching as root unpacks, and list shows it`() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let image = BuildProducts.image("busybox").string
            #expect(try await fixture.rkt("fetch", image).status == 0)
            #expect(try await fixture.shell("ls $data/cas/tree").lines.count == 1)
            func size() async throws -> Int {
                let list = try await fixture.rkt("image", "list", "--full", "--no-legend", "--fields=size")
                return try #require(Int(list.lines.first ?? ""))
            }
            let both = try await size()
            #expect(try await fixture.rkt("image", "gc").status == 0)
            let archive = try await size()
            #expect(archive == Int(try FileSystem.status(BuildProducts.image("busybox")).size))
            let out = fixture.path("out")
            #expect(try await fixture.rkt("image", "render", "example.com/busybox", out.string).status == 0)
            let rendered = try await fixture.shell("du -sb '\(out)'").output.prefix { $0.isNumber }
            // With the file that says whose tree it is.
            #expect(both == archive + (Int(rendered) ?? 0) + 71)
        }
    }

    @Test(
        arguments: [
            ("image", "image: warning: image signature verification has been disabled"),
            ("ondisk,image", "image: warning: on-disk verification has been disabled"),
            ("all", "image: warning: on-disk verification has been disabled"),
        ])
    func `what is not verified is told`(words: String, warning: String) async throws {
        try await PodFixture.with { fixture in
            let outcome = try await fixture.rkt(
                "--insecure-options=\(words)", "prepare", BuildProducts.image("busybox").string)
            #expect(outcome.status == 0)
            #expect(outcome.lines.count == 1)
            #expect(outcome.error.split(separator: "\n").map(String.init).contains(warning), "\(outcome.error)")
        }
    }
}
