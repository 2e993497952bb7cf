// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What the guest of a pod does whose apps come and go.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct GuestSideTests {
    @Test func eachRunOfAnAppHasItsOwnEnd() async throws {
        try await PodFixture.with { fixture in
            let sandbox = try await Sandbox.start(in: fixture)
            let number = "n=$(cat /n 2>/dev/null || echo 5); echo $((n + 1)) >/n; echo run $n"
            try await sandbox.add("counts", "\(number); exit $n")
            try await sandbox.add("talks", "\(number); exec sleep 100000", ["--stdout=stream"])
            try await sandbox.add("stays", "echo user $(id -u); exec sleep 100000", ["--memory=64Mi", "--user=1"])
            for status in ["5", "6", "7"] {
                try await sandbox.change("start", "counts")
                let end = try await sandbox.await("counts", "exited")
                #expect(end["exit_code"] == status)
                try await sandbox.pod.awaitOutput("run \(status)")
            }
            // Streams begin anew with each run.
            for run in ["run 5\n", "run 6\n"] {
                try await sandbox.change("start", "talks")
                let attached = try fixture.start(["attach", "--app=talks", sandbox.uuid])
                try await eventually("what the app says") { attached.output == run }
                try await sandbox.change("stop", "talks")
                #expect(try await attached.end().status == 0)
            }
            let lost = ["example.com/busybox", "--name=lost", "--exec=/no/such/program"]
            #expect(try await fixture.rkt(["app", "add", sandbox.uuid] + lost).status == 0)
            for _ in 0..<2 {
                _ = try await sandbox.rkt("start", "--app=lost")
                #expect(try await sandbox.await("lost", "exited")["exit_code"] == "203")
            }
            // What is asked of one app at the same time is done in order.
            try await sandbox.change("start", "stays")
            let stop = try fixture.start(["app", "stop", sandbox.uuid, "--app=stays"])
            let again = try fixture.start(["app", "stop", sandbox.uuid, "--app=stays"])
            #expect(try await stop.end().status == 0)
            #expect(try await again.end().status == 0)
            #expect(try await sandbox.status("stays")["exit_code"] == "143")
            try await sandbox.change("start", "stays")
            #expect(try await sandbox.shell("id -u", app: "stays") == "0")
            try await sandbox.pod.awaitOutput("user 1")
            try await sandbox.change("rm", "stays")
            #expect(try await sandbox.pod.stop().status == 0)
        }
    }

    @Test(.requires(.ownKernel)) func theMachineHasTheSizeThatWasAskedFor() async throws {
        try await PodFixture.with { fixture in
            let shared = fixture.path("shared")
            try FileSystem.makeDirectory(shared)
            let sandbox = try await Sandbox.start(in: fixture, ["--memory=600Mi", "--cpu=1"])
            try await sandbox.add(
                "looks", "exec sleep 100000", ["--mnt-volume=name=v,kind=host,source=\(shared),target=/v"])
            try await sandbox.change("start", "looks")
            let total = try await sandbox.shell("awk '$1 == \"MemTotal:\" { print $2 }' /proc/meminfo", app: "looks")
            // Of 728 MiB, without what the kernel keeps for itself.
            #expect((600 << 10...728 << 10).contains(Int(total) ?? 0), "\(total)")
            #expect(try await sandbox.shell("nproc", app: "looks") == "1")
            // Devices and set-user-ID bits of the host mean nothing.
            let flags = try await sandbox.shell("awk '$2 == \"/v\" { print $4 }' /proc/mounts", app: "looks")
            #expect(flags.contains("nosuid") && flags.contains("nodev"), "\(flags)")
            let large = try await fixture.rkt(
                ["app", "add", sandbox.uuid] + Sandbox.addition("large", "true", ["--memory=4Gi"]))
            #expect(large.status == 254)
            #expect(try await sandbox.pod.stop().status == 0)
        }
    }

    @Test func aPodWithoutItsAgentTellsSo() async throws {
        try await PodFixture.with { fixture in
            let sandbox = try await Sandbox.start(in: fixture)
            // It may signal what runs beside it, as root of the pod. It does so when it is asked to end, and stays.
            try await sandbox.add(
                "kills",
                """
                end() {
                    for p in /proc/[0-9]*; do
                        read -r name <$p/comm
                        if [ "$name" = rkt-guest ]; then kill -9 ${p#/proc/}; fi
                    done
                }
                trap end TERM
                echo waits
                while :; do sleep 1; done
                """)
            try await sandbox.change("start", "kills")
            try await sandbox.pod.awaitOutput("waits")
            let stopped = try await sandbox.rkt("stop", "--app=kills")
            #expect(stopped.status == 254)
            #expect(stopped.complaints.count == 1, "\(stopped.error)")
            _ = try await fixture.rkt("stop", "--force", sandbox.uuid)
            #expect(try await sandbox.pod.process.end().status == 137)
            #expect(try await fixture.rkt("gc", "--grace-period=0s").status == 0)
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }
}
