// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct FileSystemTests {
    /// The program probe of the image checks one thing after another and says how each went.
    @Test(.requires(.supervisor), arguments: [[], ["--no-overlay=true"]])
    func rootOfAnAppBehavesLikeALocalFileSystem(_ flags: [String]) async throws {
        let checks = [
            "fifo", "socket", "unlinked", "truncate", "append", "rename", "image-files", "hard-link", "symbolic-link",
            "mode-and-owner", "sticky", "devices", "foreign-devices", "contained", "flock", "record-lock",
            "shared-mapping", "attributes",
            "many-entries", "allocation",
        ]
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(["run"] + flags + [BuildProducts.image("probe").string])
            #expect(run.texts(of: "probe") == checks.map { "ok \($0)" })
            #expect(run.status == 0)
        }
    }

    @Test func whatAnAppWritesStaysInItsPod() async throws {
        try await PodFixture.with { fixture in
            let script =
                "cat /mark /bin/mark 2>/dev/null; echo mine >/mark; echo mine >/bin/mark; rm /etc/group; ls /etc"
            let runs = [
                try await fixture.rkt(["run"] + PodFixture.busybox(script)),
                try await fixture.rkt(["run"] + PodFixture.busybox(script)),
            ]
            for run in runs {
                #expect(run.status == 0)
                #expect(!run.texts().contains("mine"))
                #expect(run.texts().contains("passwd"))
                #expect(!run.texts().contains("group"))
            }
        }
    }
}
