// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import TestSupport
import Testing

@Suite(.requiresBuild, .podLogs, .timeLimit(.minutes(5)))
struct ImageCommandTests {
    @Test func imageIsTheSameHoweverItIsCompressed() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let sum = try await fixture.shell("sha512sum $images/busybox.aci").output.prefix(64)
            let plain = try await fixture.rkt("fetch", "--full", BuildProducts.image("busybox").string)
            #expect(plain.status == 0)
            #expect(plain.output == "sha512-\(sum)\n")
            for tool in ["gzip", "bzip2", "xz", "zstd"] where Program.path(of: tool) != nil {
                _ = try await fixture.shell("\(tool) -1 -c <$images/busybox.aci >\(fixture.path(tool))")
                let fetched = try await fixture.rkt("fetch", "--full", fixture.path(tool).string)
                #expect(fetched.status == 0, "\(tool): \(fetched.error)")
                #expect(fetched.output == "sha512-\(sum)\n")
            }
            let short = try await fixture.rkt("fetch", BuildProducts.image("busybox").string)
            #expect(short.output == "sha512-\(sum.prefix(32))\n")
            #expect(try await fixture.rkt("image", "list", "--no-legend").lines.count == 1)
        }
    }

    @Test func storedImageIsListedShownExportedAndRemoved() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let empty = try await fixture.rkt("image", "list", "--no-legend")
            #expect(empty.status == 0)
            #expect(empty.lines == [])
            let id = try await fixture.rkt("fetch", "--full", BuildProducts.image("busybox").string).output.filter {
                $0 != "\n"
            }

            let list = try await fixture.rkt("image", "list").lines
            #expect(list.first?.split(separator: "\t") == ["ID", "NAME", "SIZE", "IMPORT TIME", "LAST USED"])
            let columns = list.last?.split(separator: "\t").map(String.init) ?? []
            #expect(columns.first == String(id.prefix(19)))
            #expect(columns.dropFirst().first?.hasPrefix("example.com/busybox:1.") == true)
            let json = try JSONValue(parsing: Array(await fixture.rkt("image", "list", "--format=json").output.utf8))
            #expect(json.array?.first?.value(forKey: "id")?.string == id)
            #expect(try await fixture.rkt("image", "list", "--full", "--fields=id", "--no-legend").lines == [id])

            // By ID, by the beginning of it, by name.
            for name in [id, String(id.prefix(12)), "example.com/busybox"] {
                let manifest = try JSONValue(
                    parsing: Array(await fixture.rkt("image", "cat-manifest", name).output.utf8))
                #expect(manifest.value(forKey: "name")?.string == "example.com/busybox")
            }
            for (name, message) in [
                ("sha512-a", "image ID too short"), ("sha512-0123456789", "no image IDs found"),
                ("example.com/nothing", "example.com/nothing"),
            ] {
                let unknown = try await fixture.rkt("image", "cat-manifest", name)
                #expect(unknown.status == 254)
                #expect(unknown.complaints.count == 1)
                #expect(unknown.error.contains(message))
            }

            let copy = fixture.path("copy.aci")
            #expect(try await fixture.rkt("image", "export", "example.com/busybox", copy.string).status == 0)
            #expect(try await fixture.shell("cmp $images/busybox.aci \(copy)").status == 0)
            let again = try await fixture.rkt("image", "export", id, copy.string)
            #expect(again.status == 254)
            #expect(again.error.contains("output ACI file exists (try --overwrite)"))
            #expect(try await fixture.rkt("image", "export", "--overwrite", id, copy.string).status == 0)
            #expect(try await fixture.rkt("image", "verify", id).status == 0)

            let remove = try await fixture.rkt("image", "rm", "example.com/busybox", id, "example.com/nothing")
            #expect(remove.status == 0)
            #expect(remove.output == "successfully removed aci for image: \"\(id)\"\n")
            #expect(remove.error.contains("rm: 1 image(s) successfully removed"))
            #expect(remove.error.contains("example.com/nothing"))
            #expect(try await fixture.rkt("image", "list", "--no-legend").lines == [])
            // The tree that fetching has made stays until trees are collected.
            #expect(try await fixture.rkt("image", "gc").status == 0)
            #expect(try await fixture.shell("find $data/cas -type f -size +64k").output == "")
        }
    }

    @Test func changedTreeIsFoundAndRepaired() async throws {
        try await PodFixture.with { fixture in
            let busybox = try await fixture.rkt("image", "cat-manifest", "example.com/busybox")
            #expect(busybox.status == 0)
            let changed = try await fixture.shell(
                "file=$(find $data/cas/tree -path '*/rootfs/etc/passwd'); echo evil::0:0::/:/bin/sh >>$file; echo $file"
            )
            #expect(changed.lines.count == 1)
            let found = try await fixture.rkt("image", "verify", "example.com/busybox")
            #expect(found.status == 0)
            #expect((found.output + found.error).contains("tree cache verification failed for image"))
            let again = try await fixture.rkt("image", "verify", "example.com/busybox")
            #expect(again.output.contains("successfully verified checksum for image"))
            #expect(try await fixture.shell("grep -c evil \(changed.lines.first ?? "") || true").output == "0\n")
        }
    }

    @Test func unusedImagesAndTreesAreCollected() async throws {
        try await PodFixture.with { fixture in
            let prepared = try await fixture.rkt("prepare", BuildProducts.image("busybox").string).output.filter {
                $0 != "\n"
            }
            func trees() async throws -> Int { try await fixture.shell("ls $data/cas/tree").lines.count }
            #expect(try await trees() == 2)
            #expect(try await fixture.rkt("image", "gc").status == 0)
            #expect(try await trees() == 2)
            #expect(try await fixture.rkt("rm", prepared).status == 0)
            let collect = try await fixture.rkt("image", "gc", "--grace-period=0s")
            #expect(collect.status == 0)
            #expect(try await trees() == 0)
            #expect(try await fixture.rkt("image", "list", "--no-legend").lines == [])
        }
    }

    @Test func aRemovedImageTakesItsTreeAlongUnlessAPodNeedsIt() async throws {
        try await PodFixture.with { fixture in
            func trees() async throws -> Int { try await fixture.shell("ls $data/cas/tree").lines.count }
            let busybox = BuildProducts.image("busybox").string
            #expect(try await trees() == 2)
            let prepared = try await fixture.rkt("prepare", busybox).output.filter { $0 != "\n" }
            #expect(try await fixture.rkt("image", "rm", "example.com/busybox").status == 0)
            #expect(try await trees() == 2)
            #expect(try await fixture.rkt("rm", prepared).status == 0)

            // The tree that was kept is taken up again, and goes with its image.
            #expect(try await fixture.rkt("fetch", busybox).status == 0)
            #expect(try await fixture.rkt("image", "verify", "example.com/busybox").status == 0)
            #expect(try await fixture.rkt("image", "rm", "example.com/busybox").status == 0)
            #expect(try await trees() == 1)
            // Without pods nothing keeps the tree of an image that is gone.
            let again = try await fixture.rkt("prepare", busybox).output.filter { $0 != "\n" }
            #expect(try await fixture.rkt("image", "rm", "example.com/busybox").status == 0)
            #expect(try await fixture.rkt("rm", again).status == 0)
            #expect(try await trees() == 2)
            #expect(try await fixture.rkt("image", "gc").status == 0)
            #expect(try await trees() == 0)
            #expect(try await fixture.shell("ls $data/cas/locks").output == "")
        }
    }
}
