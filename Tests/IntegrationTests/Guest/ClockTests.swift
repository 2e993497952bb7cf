// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownKernel), .podLogs, .timeLimit(.minutes(5)))
struct ClockTests {
    /// One reading of the guest's clocks, and the span of host time that it falls into. Seconds.
    struct Reading {
        var uptime: Double
        var wall: Double
        var hostBefore: Double
        var hostAfter: Double
        var hostWallBefore: Double
        var hostWallAfter: Double

        init(_ pod: RunningPod) async throws {
            hostBefore = Double(Clock.microseconds) / 1e6
            hostWallBefore = Double(Clock.wallNanoseconds) / 1e9
            let words = try await pod.shell("cut -d' ' -f1 /proc/uptime; date +%s").split(separator: "\n")
            hostAfter = Double(Clock.microseconds) / 1e6
            hostWallAfter = Double(Clock.wallNanoseconds) / 1e9
            uptime = try #require(words.first.flatMap { Double($0) })
            wall = try #require(words.last.flatMap { Double($0) })
        }
    }

    @Test func guestKeepsTime() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "exec sleep 100000")
            let first = try await Reading(pod)
            try await Task.sleep(for: .seconds(10))
            let second = try await Reading(pod)
            let least = second.hostBefore - first.hostAfter
            let most = second.hostAfter - first.hostBefore
            #expect(second.uptime - first.uptime > least * 0.95)
            #expect(second.uptime - first.uptime < most * 1.05)
            // `date` shows whole seconds.
            #expect(second.wall - first.wall > least * 0.95 - 1)
            #expect(second.wall - first.wall < most * 1.05 + 1)
            // The clock of the machine is set to the second.
            #expect(second.wall > second.hostWallBefore - 3)
            #expect(second.wall < second.hostWallAfter + 2)
            #expect(try await pod.stop().status == 0)
        }
    }
}
