// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// `--stdin`, `--stdout`, `--stderr` and `--port`.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct StreamTests {
    @Test(.requires(.severalApps)) func aStreamCanBeThrownAway() async throws {
        let script = "echo said; echo complained >&2; readlink /proc/self/fd/0 >&2; readlink /proc/self/fd/0"
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox(script, name: "both", ["--stdout=null", "--stderr=null"])
                    + PodFixture.busybox(script, name: "output", ["--stdout=null"])
                    + PodFixture.busybox(script, name: "errors", ["--stderr=null", "--stdout=log"])
                    + PodFixture.busybox(script, name: "usual", ["--stdin=null", "--stderr=log"]))
            #expect(run.status == 0)
            #expect(run.texts(of: "both").isEmpty)
            #expect(run.texts(of: "output") == ["complained", "/dev/null"])
            #expect(run.texts(of: "errors") == ["said", "/dev/null"])
            #expect(run.texts(of: "usual").sorted() == ["/dev/null", "/dev/null", "complained", "said"])
        }
    }

    @Test(.requires(.supervisor)) func whyAnAppCannotStartIsNotThrownAway() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                [
                    "run", BuildProducts.image("busybox").string, "--stdout=null", "--stderr=null",
                    "--exec=/no/such/program",
                ])
            #expect(run.status == 203)
            #expect(
                run.texts(of: "busybox") == ["Error: Unable to open \"/no/such/program\": No such file or directory"])
        }
    }

    @Test func streamsAndATerminalExcludeEachOther() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run", "--interactive"] + PodFixture.busybox(":", ["--stdout=null"]))
            #expect(run.status == 254)
            #expect(run.complaints.first?.contains("--stdout=null") == true)
            #expect(fixture.uuids.isEmpty)
        }
    }

    @Test(.requires(.ownNetwork)) func portsAreKeptAndNobodyIsLeftToThinkThatTheyWork() async throws {
        try await PodFixture.with { fixture in
            let image = try await fixture.image(
                manifest: """
                    {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/web",\
                    "labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],\
                    "app":{"exec":["/bin/true"],"user":"0","group":"0",\
                    "ports":[{"name":"http","protocol":"tcp","port":80}]}}
                    """)
            let file = fixture.path("uuid")
            let run = try await fixture.rkt(
                ["run", "--port=http:127.0.0.1:8080", "--uuid-file-save=\(file)", image.string])
            #expect(run.status == 0)
            #expect(
                run.complaints == [
                    "networking: warning: nothing is forwarded to port \"http\": the pod has no network"
                ])
            let manifest = try await fixture.rkt("cat-manifest", "--pretty-print=false", "--uuid-file=\(file)")
            #expect(
                manifest.output.contains(#""ports":[{"name":"http","hostPort":8080,"hostIP":"127.0.0.1"}]"#))
        }
    }
}
