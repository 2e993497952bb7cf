// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

/// What somebody else than root can do with a data directory that their group may read.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires("setpriv"), .podLogs, .timeLimit(.minutes(5)))
struct MemberTests {
    private static let group = "54321"

    /// Runs rkt as the user nobody.
    private func member(
        _ fixture: PodFixture, _ arguments: [String], groups: String = "--groups=\(group)"
    ) async throws -> HostProcess.Outcome {
        try await fixture.spawn(
            "/usr/bin/setpriv",
            ["--reuid=65534", "--regid=65534", groups, fixture.path("rkt").string, "--dir=\(fixture.data)"] + arguments
        ).end()
    }

    @Test func membersOfTheGroupLookAndDoNotTouch() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            // The build directory may be out of their reach.
            try await fixture.require("/bin/cp", [BuildProducts.rkt.string, fixture.path("rkt").string])
            try await fixture.require(
                "/bin/sh", ["-c", "mkdir -m 2750 '\(fixture.data)' && chgrp \(Self.group) '\(fixture.data)'"])
            let pod = try await fixture.run(
                ["--stage1-path=\(BuildProducts.stage1)"] + PodFixture.busybox("exec sleep 100000"))

            #expect(try await member(fixture, ["version"]).output.contains("rkt Version:"))
            let list = try await member(fixture, ["list", "--full", "--no-legend"])
            #expect(list.status == 0)
            #expect(list.lines.count == 1)
            #expect(list.output.contains(pod.uuid))
            #expect(list.output.contains("\trunning\t"))
            let status = try await member(fixture, ["status", pod.uuid])
            #expect(status.status == 0)
            #expect(status.lines.first == "state=running")
            #expect(try await member(fixture, ["cat-manifest", pod.uuid]).status == 0)
            let images = try await member(fixture, ["image", "list", "--no-legend"])
            #expect(images.status == 0)
            #expect(images.lines.count == 2)
            #expect(images.output.contains("coreos.com/rkt/stage1-kvm:"))
            #expect(try await member(fixture, ["image", "cat-manifest", "example.com/busybox"]).status == 0)

            for arguments in [
                ["run"], ["run", BuildProducts.image("busybox").string], ["prepare"], ["run-prepared", pod.uuid],
                ["enter", pod.uuid, "true"], ["gc"], ["rm", pod.uuid],
            ] {
                let refused = try await member(fixture, arguments)
                #expect(refused.status == 254)
                #expect(refused.output == "")
                #expect(
                    refused.error
                        == "\(arguments[0]): cannot run as unprivileged user; run it as root, for instance with sudo\n")
            }
            let collect = try await member(fixture, ["image", "gc"])
            #expect(collect.status == 254)
            #expect(collect.error.lowercased().contains("permission denied"))
            // Connecting to the supervisor takes the right to write.
            let socket = try FileSystem.status(pod.directory.appending("agent.sock"))
            #expect(socket.mode & 0o022 == 0)

            let stranger = try await member(fixture, ["list"], groups: "--clear-groups")
            #expect(stranger.status == 254)
            #expect(stranger.error.lowercased().contains("permission denied"))

            #expect(try await pod.stop().status == 0)
            #expect(try await member(fixture, ["status", pod.uuid]).lines.first == "state=exited")
        }
    }
}
