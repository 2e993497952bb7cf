// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import TestSupport
import Testing

/// Parts that are killed. Times are measured, so that nothing else runs meanwhile.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)), .serialized)
struct CrashSerialTests {
    @Test(arguments: ["qemu-system-x86", "virtiofsd"])
    func endOfTheMachineEndsThePod(_ victim: String) async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "echo up; exec sleep 100000")
            try await pod.awaitOutput("up")
            let victims = HostTraces.descendants(of: pod.process.child.pid).filter { $0.name == victim }
            #expect(!victims.isEmpty)
            for process in victims { kill(process.pid, SIGKILL) }
            let run = try await pod.process.end(within: .seconds(2))
            #expect(run.status == 250)
            #expect(run.texts() == ["up"])
            #expect(run.complaints.first?.contains("ended before the guest did") == true)
            #expect(HostTraces.processes(using: fixture.data) == [])
            let status = try await pod.status()
            #expect(status["state"] == "exited")
            #expect(status["app-busybox"] == nil)
            try await expectCollected(fixture, pod.uuid)
        }
    }

    @Test func endOfTheSupervisorEndsTheMachine() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "exec sleep 100000")
            let parts = HostTraces.descendants(of: pod.process.child.pid)
            #expect(parts.contains { $0.name == "qemu-system-x86" })
            #expect(parts.contains { $0.name == "virtiofsd" })
            pod.process.kill()
            try await eventually("the end of QEMU and virtiofsd", within: .seconds(2)) {
                !parts.contains { HostTraces.isAlive($0.pid) }
            }
            #expect(HostTraces.processes(using: fixture.data) == [])
            let list = try await fixture.rkt("list", "--no-legend", "--full")
            #expect(list.lines.count == 1)
            #expect(list.output.contains(pod.uuid))
            #expect(list.output.contains("\texited\t"))
            try await expectCollected(fixture, pod.uuid)
        }
    }

    @Test func panicOfTheKernelIsToldWithTheConsole() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox("echo never"),
                environment: ["RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS": "init=/nonexistent"])
            #expect(run.status == 251)
            #expect(run.output == "")
            #expect(run.complaints.first == "stage1: the guest's kernel panicked")
            #expect(run.complaints.contains { $0.contains("console: ") && $0.contains("/nonexistent") })
            try await expectCollected(fixture, try #require(fixture.uuids.first))
        }
    }

    @Test func guestThatResetsItselfIsNoGoodEnd() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox("echo never"),
                environment: ["RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS": "systemd.unit=reboot.target"])
            #expect(run.status == 251)
            #expect(run.output == "")
            #expect(run.complaints.first == "stage1: the guest reset itself instead of powering off")
            try await expectCollected(fixture, try #require(fixture.uuids.first))
        }
    }

    @Test func guestThatDoesNotReportInTimeIsGivenUp() async throws {
        try await PodFixture.with { fixture in
            let start = Clock.milliseconds
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox("echo never"), environment: ["RKT_HYPERVISOR_BOOT_TIMEOUT": "1"])
            #expect(run.status == 252)
            #expect(Clock.milliseconds - start < 5000)
            #expect(run.output == "")
            #expect(run.complaints.first == "stage1: the guest did not report in time")
            #expect(HostTraces.processes(using: fixture.data) == [])
            try await expectCollected(fixture, try #require(fixture.uuids.first))
        }
    }

    private func expectCollected(_ fixture: PodFixture, _ uuid: String) async throws {
        let collect = try await fixture.rkt("gc", "--grace-period=0s")
        #expect(collect.status == 0)
        #expect(collect.output == "Garbage collecting pod \"\(uuid)\"\n")
        #expect(try HostTraces.below(fixture.data) == [])
    }
}
