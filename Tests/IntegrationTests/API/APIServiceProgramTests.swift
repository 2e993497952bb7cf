// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// The program: where it listens, whom it answers and how it ends.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct APIServiceProgramTests {
    @Test func aSignalEndsStreamsAndTheProgram() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let host = try await APIHost.start(fixture)
            let listener = try await host.stream("ListenEvents")
            try host.process.signal(SIGINT)
            let streamed = try await listener.end(within: .seconds(30))
            #expect(streamed.status == 1)
            #expect(streamed.error.contains("unavailable: the service is ending"))
            #expect(try await host.process.end(within: .seconds(30)).status == 0)
            #expect(!FileSystem.exists(FilePath(String(host.address.dropFirst("unix:".count)))))
        }
    }

    @Test func anAddressThatIsTakenIsToldInOneLine() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let host = try await APIHost.start(fixture)
            let other = fixture.path("other")
            let second = try await fixture.rkt("api-service", "--listen=unix:\(other)", "--listen=\(host.address)")
            #expect(second.status == 254)
            #expect(second.error.split(separator: "\n").count == 1)
            #expect(second.error.contains("another program listens there"))
            #expect(!FileSystem.exists(other))
            let wrong = try await fixture.rkt("api-service", "--listen=nowhere")
            #expect(wrong.status == 254)
            #expect(wrong.error.contains("expected HOST:PORT or unix:PATH"))
        }
    }

    @Test func aFreePortOfTheLoopbackIsTold() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let process = try fixture.start(["api-service", "--listen=127.0.0.1:0"])
            try await APIHost(fixture: fixture, process: process, address: "").awaitStart()
            let line = try #require(process.error.split(separator: "\n").first { $0.contains("listening on ") })
            let place = String(line.split(separator: " ").last ?? "")
            let host = APIHost(fixture: fixture, process: process, address: place)
            #expect(try await host.call("ListPods").list("pods").isEmpty)
            #expect(!process.error.contains("warning"))
            let open = try fixture.start(["api-service", "--listen=0.0.0.0:0"])
            try await APIHost(fixture: fixture, process: open, address: "").awaitStart()
            #expect(open.error.contains("warning: whoever reaches 0.0.0.0:"))
        }
    }

    @Test(.requires("systemd-socket-activate")) func socketsOfSystemdAreServed() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let paths = ["one", "two"].map { fixture.path($0).string }
            let command = [BuildProducts.rkt.string] + fixture.options + ["api-service"]
            let process = try fixture.spawn(
                FilePath(try #require(Program.path(of: "systemd-socket-activate")).string),
                ["-l", paths[0], "-l", paths[1]] + command)
            try await eventually("sockets") { paths.allSatisfy { FileSystem.exists(FilePath($0)) } }
            for path in paths {
                let host = APIHost(fixture: fixture, process: process, address: "unix:\(path)")
                #expect(try await host.call("ListPods").list("pods").isEmpty)
            }
            try process.signal(SIGTERM)
            #expect(try await process.end(within: .seconds(30)).status == 0)
            // They are systemd's.
            #expect(paths.allSatisfy { FileSystem.exists(FilePath($0)) })

            let both = try fixture.spawn(
                FilePath(try #require(Program.path(of: "systemd-socket-activate")).string),
                ["-l", fixture.path("three").string] + command + ["--listen=127.0.0.1:0"])
            try await eventually("a socket") { FileSystem.exists(fixture.path("three")) }
            let host = APIHost(fixture: fixture, process: both, address: "unix:\(fixture.path("three"))")
            let client = try host.begin("GetInfo")
            let refused = try await both.end(within: .seconds(60))
            #expect(refused.status == 254)
            #expect(refused.error.contains("--listen does not go with the sockets that systemd passes"))
            client.killAll()
        }
    }

    @Test(.requires("setpriv"), .requiresPythonAPIClient) func theGroupIsAnsweredAndOthersAreNot() async throws {
        let group = "54321"
        try await PodFixture.with(seeded: false) { fixture in
            // The build directory may be out of their reach.
            let programs = fixture.path("libexec").appending("rkt")
            try FileSystem.makeDirectories(programs)
            for (source, target) in [
                (BuildProducts.rkt, fixture.path("rkt")),
                (BuildProducts.directory.appending("libexec/rkt/api-service"), programs.appending("api-service")),
            ] { try await fixture.require("/bin/cp", [source.string, target.string]) }
            let sockets = fixture.path("sockets")
            try await fixture.require(
                "/bin/sh",
                [
                    "-c",
                    "mkdir -m 2750 '\(fixture.data)' && chgrp \(group) '\(fixture.data)' && mkdir -m 0777 '\(sockets)'"
                        + " && chmod 0777 '\(sockets)'",
                ])
            let prepared = try await fixture.rkt(["prepare"] + PodFixture.busybox("exit 0"))
            #expect(prepared.status == 0)
            func start(_ name: String, _ groups: String) async throws -> APIHost {
                let address = "unix:\(sockets.appending(name))"
                let process = try fixture.spawn(
                    "/usr/bin/setpriv",
                    [
                        "--reuid=65534", "--regid=65534", groups, fixture.path("rkt").string, "--dir=\(fixture.data)",
                        "api-service", "--listen=\(address)",
                    ])
                let host = APIHost(fixture: fixture, process: process, address: address)
                try await host.awaitStart()
                return host
            }
            let member = try await start("member", "--groups=\(group)")
            let pods = try await member.call("ListPods").list("pods")
            #expect(pods.map { $0.text("state") } == ["POD_STATE_PREPARED"])
            #expect(try await member.call("ListImages").list("images").count == 2)
            #expect(try await member.outcome("health", "", by: .python).output == "SERVING\n")

            let stranger = try await start("stranger", "--clear-groups")
            let refused = try await stranger.outcome("ListPods")
            #expect(refused.status == 1)
            #expect(refused.error.hasPrefix("unavailable: "))
            #expect(try await stranger.outcome("health", "", by: .python).output == "NOT_SERVING\n")
        }
    }
}
