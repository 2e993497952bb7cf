// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import TestSupport
import Testing

/// Pods that end before their apps do have a cause all the same.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct EarlyEndTests {
    private func end(_ fixture: PodFixture, _ uuid: String) async throws -> JSONValue {
        let status = try JSONValue(
            parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
        return try #require(status.value(forKey: "end"), "\(status.encoded())")
    }

    @Test func aStartThatFailsIsRecorded() async throws {
        try await PodFixture.with { fixture in
            let prepare = try await fixture.rkt(
                ["prepare", "--no-overlay", "--volume=v,kind=empty"]
                    + PodFixture.busybox(":", name: "a", ["--mount=volume=v,target=/v"]))
            let uuid = try #require(prepare.lines.first, "\(prepare.error)")
            // In the way of the volume.
            let apps = fixture.data.appending("pods/prepared").appending(uuid).appending("stage1/rootfs/opt/stage2")
            try FileSystem.makeDirectories(apps.appending(".volumes/0-v"))
            let run = try await fixture.rkt("run-prepared", uuid)
            #expect(run.status == 254)
            #expect(run.complaints.count == 1)
            let end = try await end(fixture, uuid)
            #expect(end.value(forKey: "cause")?.string == "start-failed")
            #expect(end.value(forKey: "status")?.int == 254)
            #expect(end.value(forKey: "message")?.string?.contains(".volumes/0-v") == true)
        }
    }

    @Test func aSupervisorThatWasKilledIsToldOf() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "exec sleep 100000")
            pod.process.kill()
            let waited = try await fixture.rkt("status", "--wait=20s", pod.uuid)
            #expect(waited.lines.contains("state=exited"))
            let end = try await end(fixture, pod.uuid)
            #expect(end.value(forKey: "cause")?.string == "supervisor-died")
        }
    }
}
