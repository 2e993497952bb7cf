// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods behind sockets that systemd listens on.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins,
    .requires("systemd-socket-activate"),
    .requires("busybox"), .podLogs, .timeLimit(.minutes(5)))
struct SocketActivationTests {
    /// Prints the first line that comes over a connection. This side does not end before: what listens would end, too.
    private static func ask(_ port: Int) -> String {
        "timeout 100 bash -c 'exec 3<>/dev/tcp/127.0.0.1/\(port); head -n 1 <&3'"
    }

    /// Asks until somebody answers: the app listens for one client at a time, and a while after it has started.
    private static func askPatiently(_ port: Int) -> String {
        "for i in $(seq 50); do \(ask(port)) 2>/dev/null | grep . && break; sleep 0.2; done"
    }

    /// The recipe of the manual: a proxy is started by the first connection, and leads to the pod's address.
    @Test func aProxyOfSystemdLeadsToAPod() async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            let pod = try await fixture.run(
                ["--net=default:IP=172.16.28.101"]
                    + PodFixture.busybox("while :; do echo served | nc -l -p 6379; done"))
            let proxy = try fixture.startOnNetwork(
                "exec systemd-socket-activate -l 127.0.0.1:6371 /lib/systemd/systemd-socket-proxyd 172.16.28.101:6379")
            try await eventually("a socket") { proxy.error.contains("Listening on") }
            for _ in 1...2 {
                #expect(try await fixture.onNetwork(Self.askPatiently(6371)).output == "served\n")
            }
            #expect(try await pod.stop().status == 0)
        }
    }

    /// The manual's other recipe: the first connection starts the pod and is served by it.
    @Test(.requires(.socketActivation)) func connectionsToASocketOfSystemdReachTheAppThatItStarts() async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            let image = try await fixture.image(
                manifest: TarFixture.manifest(
                    name: "example.com/activated",
                    extra: #","labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],"#
                        + #""app":{"exec":["/bin/sh","-c","while :; do echo served | nc -l -p 8080; done"],"#
                        + #""user":"0","group":"0","ports":[{"name":"www","protocol":"tcp","port":8080,"#
                        + #""socketActivated":true}]}"#))
            let file = fixture.path("uuid")
            let arguments =
                [BuildProducts.rkt.string] + fixture.options
                + ["run"] + fixture.stage1Options
                + ["--net=default", "--port=www:7070", "--uuid-file-save=\(file)", image.string]
            let run = try fixture.startOnNetwork(
                "exec systemd-socket-activate -l 0.0.0.0:7070 -l 127.0.0.1:7071 \(arguments.joined(separator: " "))")
            try await eventually("two sockets") { run.error.contains(":7070") && run.error.contains(":7071") }
            let first = try await fixture.onNetwork(Self.ask(7070))
            #expect(first.output == "served\n", "\(run.error)")
            #expect(try await fixture.onNetwork(Self.askPatiently(7070)).output == "served\n")
            let uuid = try FileSystem.readText(file)
            #expect(try await fixture.rkt("status", "--wait-ready=2m", uuid).status == 0)
            #expect(run.error.contains("port 7071, which systemd listens on, does not lead to the pod"))

            // Neither that one nor, in the end, the other is kept by anybody.
            let refused = try await fixture.onNetwork("busybox nc -w 1 127.0.0.1 7071 </dev/null 2>&1 || :")
            #expect(refused.output.contains("refused"))
            try run.signal(15)
            #expect(try await run.end().status == 0)
            let ended = try await fixture.onNetwork("busybox nc -w 1 127.0.0.1 7070 </dev/null 2>&1 || :")
            #expect(ended.output.contains("refused"))
        }
    }

    @Test(.requires(.ownKernel)) func aStage1ImageThatTakesNoSocketsGetsNone() async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            let manifest = try await fixture.rkt("image", "cat-manifest", "coreos.com/rkt/stage1-kvm").output
            #expect(manifest.contains("stage1/socket-activation"))
            let stage1 = try await fixture.image(
                from: BuildProducts.directory.appending("stage1-kvm.aci").string,
                manifest: manifest.replacing("stage1/socket-activation", with: "stage1/nothing"))
            let file = fixture.path("uuid")
            let arguments =
                [BuildProducts.rkt.string] + fixture.options
                + ["run", "--stage1-path=\(stage1)", "--net=none", "--uuid-file-save=\(file)"]
                + [BuildProducts.image("busybox").string, "--exec=/bin/sleep", "--", "100000"]
            let run = try fixture.startOnNetwork(
                "exec systemd-socket-activate -l 127.0.0.1:7000 \(arguments.joined(separator: " "))")
            try await eventually("a socket") { run.error.contains("Listening on") }
            let connect = "busybox nc -w 1 127.0.0.1 7000 </dev/null 2>&1 || :"
            _ = try await fixture.onNetwork(connect)
            try await eventually("a pod") { (try? FileSystem.readText(file))?.utf8.count == 36 }
            let uuid = try FileSystem.readText(file)
            #expect(try await fixture.rkt("status", "--wait-ready=2m", uuid).status == 0)
            #expect(run.error.contains("the socket that systemd has passed does not reach the pod"))
            #expect(try await fixture.onNetwork(connect).output.contains("refused"))
            try run.signal(15)
            #expect(try await run.end().status == 0)
        }
    }
}
