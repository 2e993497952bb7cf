// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Parts that are killed. Times are measured, so that nothing else runs meanwhile.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.emulatorOfRkt), .podLogs, .timeLimit(.minutes(5)),
    .serialized)
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

    /// What a guest that takes QEMU over would be: a user of its own, without rights over anything of the host.
    @Test func theHypervisorIsConfined() async throws {
        try await PodFixture.with { fixture in
            let host = fixture.path("host")
            try FileSystem.makeDirectory(host)
            var users: Set<Substring> = []
            for volumes in [[], ["--volume=v,kind=host,source=\(host)", "--mount=volume=v,target=/v"]] {
                let pod = try await fixture.run(volumes + PodFixture.busybox("exec sleep 100000"))
                let emulator = try #require(
                    HostTraces.descendants(of: pod.process.child.pid).first { $0.name == "qemu-system-x86" })
                let lines = try FileSystem.readText(FilePath("/proc/\(emulator.pid)/status")).split(separator: "\n")
                func field(_ name: String) -> [Substring] {
                    lines.first { $0.hasPrefix(name + ":") }?.split(separator: "\t").dropFirst().map { $0 } ?? []
                }
                let user = try #require(field("Uid").first)
                #expect(try #require(UInt32(user)) >= 0x7000_0000)
                #expect(Set(field("Uid") + field("Gid")) == [user])
                // chown, dac_override, dac_read_search, fowner, fsetid, mknod, setfcap
                let expected: UInt64 = volumes.isEmpty ? 0 : 0x8800_001f
                for set in ["CapEff", "CapPrm", "CapAmb"] {
                    #expect(field(set).first.flatMap { UInt64($0, radix: 16) } == expected)
                }
                #expect(field("Seccomp") == ["2"])
                let namespaces = ["\(emulator.pid)", "self"].map { "/proc/\($0)/ns/mnt" }
                #expect(
                    try FileSystem.readSymbolicLink(FilePath(namespaces[0]))
                        != FileSystem.readSymbolicLink(FilePath(namespaces[1])))
                users.insert(user)
                if !volumes.isEmpty {
                    #expect(try await pod.shell("echo x >/v/f; chown 5:6 /v/f; stat -c %u /v/f") == "5")
                }
            }
            #expect(users.count == 2)
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
            let uuid = try #require(fixture.uuids.first)
            let status = try JSONValue(
                parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
            let end = try #require(status.value(forKey: "end"))
            #expect(end.value(forKey: "cause")?.string == "guest-panicked")
            #expect(end.value(forKey: "status")?.int == 251)
            #expect(
                end.value(forKey: "console")?.array?.contains { $0.string?.contains("/nonexistent") == true } == true)
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
