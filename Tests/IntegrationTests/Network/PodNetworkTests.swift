// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What becomes of a pod's networks when the pod is at its end.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .podLogs,
    .timeLimit(.minutes(5)))
struct PodNetworkTests {
    @Test(arguments: Joint.allCases) func nothingIsLeftOfAPodThatWasKilled(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            let networked = try await host.pod("pod", ["--net=default", "--port=stream:7070"])
            let pod = networked.pod
            #expect(kill(pod.process.child.pid, SIGKILL) == 0)
            _ = try await pod.process.end()
            #expect(try await !host.traces().isEmpty)
            // Its machine ends right after it and is a pod until then.
            let deadline = Clock.milliseconds + 60_000
            var traces: [String] = []
            repeat {
                #expect(try await host.fixture.rkt("gc", "--grace-period=0s").status == 0)
                traces = try await host.traces()
            } while !traces.isEmpty && Clock.milliseconds < deadline
            #expect(traces == [])
        }
    }

    @Test(arguments: Joint.allCases) func aPodWithAVolumeLeavesItsNetwork(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            let data = host.fixture.path("data-of-pod")
            try FileSystem.makeDirectory(data)
            let run = try await host.fixture.rkt(
                ["run", "--net=default", "--volume=data,kind=host,source=\(data)", "--mount=volume=data,target=/data"]
                    + PodFixture.busybox("ip -o -4 addr show eth0 >/data/address; exit 3"))
            #expect(run.status == 3)
            #expect(try FileSystem.readText(data.appending("address")).contains("inet 172.16.28."))
        }
    }
}
