// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods whose machines are domains of libvirt.
@Suite(
    .serialized, .requiresBuild, .requiresRoot, .requiresQEMU, .requiresLibvirt, .podLogs, .timeLimit(.minutes(10)))
struct LibvirtTests {
    private func with(_ body: (PodFixture, LibvirtHost) async throws -> Void) async throws {
        try await PodFixture.with { fixture in try await body(fixture, LibvirtHost(fixture)) }
    }

    // MARK: - Ends that the guest brings about

    @Test func statusesAreThoseOfTheApps() async throws {
        try await with { fixture, libvirt in
            let file = fixture.path("uuid")
            let good = try await libvirt.rkt(
                ["run", "--uuid-file-save=\(file)"] + PodFixture.busybox("echo started", name: "a"))
            #expect(good.status == 0, "\(good.error)")
            #expect(good.texts(of: "a") == ["started"])
            #expect(good.complaints == [])
            let uuid = try FileSystem.readText(file).filter { $0 != "\n" }
            let json = try JSONValue(parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
            let machine = json.value(forKey: "machine")
            #expect(machine?.value(forKey: "backend")?.string == "libvirt")
            #expect(machine?.value(forKey: "version")?.string?.contains("libvirt") == true)
            try await LibvirtHost.expectGone(uuid)

            let bad = try await libvirt.rkt(["run"] + PodFixture.busybox("exit 7"))
            #expect(bad.status == 7, "\(bad.error)")
            #expect(try await libvirt.domains() == [])
        }
    }

    @Test func panicOfTheKernelIsTold() async throws {
        try await PodFixture.with { fixture in
            let libvirt = try await LibvirtHost(fixture)
            var environment = libvirt.environment
            environment["RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS"] = "init=/nonexistent"
            let run = try await fixture.rkt(["run"] + PodFixture.busybox("echo never"), environment: environment)
            #expect(run.status == 251)
            #expect(run.complaints.first == "stage1: the guest's kernel panicked")
            #expect(run.complaints.contains { $0.contains("console: ") && $0.contains("/nonexistent") })
            #expect(try await libvirt.domains() == [])
            try await LibvirtHost.expectGone(try #require(fixture.uuids.first))
        }
    }

    // MARK: - A pod beside others

    @Test func aRunningPodIsADomainAndCanBeEntered() async throws {
        try await with { fixture, libvirt in
            let pod = try await libvirt.pod(PodFixture.busybox("exec sleep 100000"))
            #expect(try await libvirt.domains() == ["rkt-\(pod.uuid)"])
            #expect(try await libvirt.virsh("domuuid", "rkt-\(pod.uuid)") == [pod.uuid])
            // Nothing of it is in libvirt's configuration.
            let about = try await libvirt.virsh("dominfo", "rkt-\(pod.uuid)")
            #expect(about.contains { $0.hasPrefix("Persistent:") && $0.hasSuffix("no") })
            #expect(try await pod.shell("echo $((6 * 7))") == "42")
            let end = try await pod.stop()
            #expect(end.status == 0, "\(end.error)")
            #expect(try await libvirt.domains() == [])
            try await LibvirtHost.expectGone(pod.uuid)
        }
    }

    @Test func volumesAreWrittenAndRead() async throws {
        try await with { fixture, libvirt in
            let data = fixture.path("host"), kept = fixture.path("kept")
            for directory in [data, kept] { try FileSystem.makeDirectory(directory) }
            try FileSystem.write("from the host".utf8, to: data.appending("host"))
            let script = "cat /data/host; echo guest >/data/guest; chown 12:34 /data/guest; echo x >/kept/file"
            let run = try await libvirt.rkt(
                [
                    "run", "--volume=data,kind=host,source=\(data)",
                    "--volume=kept,kind=host,source=\(kept),readOnly=true",
                ]
                    + PodFixture.busybox(
                        script, name: "a",
                        ["--mount=volume=data,target=/data", "--mount=volume=kept,target=/kept"]))
            #expect(run.texts(of: "a").first == "from the host", "\(run.error)")
            #expect(try FileSystem.readText(data.appending("guest")) == "guest\n")
            #expect(try FileSystem.status(data.appending("guest")).uid == 12)
            #expect(!FileSystem.exists(kept.appending("file")))
        }
    }

    @Test(.requiresNetworkPlugins) func portsOfTheHostLeadToThePod() async throws {
        try await NetworkHost.with { host in
            let libvirt = try await LibvirtHost(host.fixture)
            try await host.connect("outside", by: "up0", [("192.0.2.1/24", "192.0.2.2/24")])
            let options = ["--net=default", "--port=stream:7070", "--port=message:7071"]
            let pod = try await libvirt.pod(host.arguments("pod", options))
            for (transport, port) in [(Transport.tcp, 7070), (.udp, 7071)] {
                #expect(try await host.ask(transport, "192.0.2.1", port, from: "outside") == "pod 192.0.2.2")
            }
            // Its side of the network works in the other direction, too.
            #expect(try await pod.enter(["/bin/network-peer", "ask", "tcp", "192.0.2.2", "7000", "40"]).status == 0)
            let end = try await pod.stop()
            #expect(end.status == 0, "\(end.error)")
        }
    }

    // MARK: - Ends from outside

    @Test func virshDestroyIsTheDeathOfTheHypervisor() async throws {
        try await with { fixture, libvirt in
            let pod = try await libvirt.pod(PodFixture.busybox("exec sleep 100000"))
            _ = try await libvirt.virsh("destroy", "rkt-\(pod.uuid)")
            let end = try await pod.process.end()
            #expect(end.status == 250)
            #expect(end.complaints.contains { $0.contains("the domain was ") }, "\(end.error)")
            #expect(try await libvirt.domains() == [])
            try await LibvirtHost.expectGone(pod.uuid)
        }
    }

    @Test func virshShutdownStopsThePodInOrder() async throws {
        try await with { fixture, libvirt in
            let script = "trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
            let pod = try await libvirt.pod(PodFixture.busybox(script, name: "a"))
            try await pod.awaitOutput("ready")
            _ = try await libvirt.virsh("shutdown", "rkt-\(pod.uuid)")
            let end = try await pod.process.end()
            #expect(end.status == 0, "\(end.error)")
            #expect(end.texts(of: "a") == ["ready", "asked"])
            try await LibvirtHost.expectGone(pod.uuid)
        }
    }

    @Test func theEndOfLibvirtdIsTold() async throws {
        try await with { fixture, libvirt in
            let pod = try await libvirt.pod(PodFixture.busybox("exec sleep 100000"))
            try await libvirt.kill()
            let end = try await pod.process.end()
            #expect(end.status == 250)
            #expect(end.complaints.contains { $0.contains("libvirtd has closed its connection") }, "\(end.error)")
            try await LibvirtHost.expectGone(pod.uuid)
            #expect(HostTraces.processes(using: fixture.data) == [])
            let status = try await fixture.rkt("status", pod.uuid)
            #expect(status.output.contains("state=exited"))
        }
    }

    @Test(arguments: [false, true]) func whatAKilledSupervisorLeavesIsCollected(withLibvirtd: Bool) async throws {
        try await with { fixture, libvirt in
            let pod = try await libvirt.pod(PodFixture.busybox("exec sleep 100000"))
            if withLibvirtd {
                // Stopped, the supervisor does not see what happens to libvirtd: QEMU is left to nobody.
                try pod.process.signal(19)
                try await libvirt.kill()
            }
            pod.process.kill()
            if !withLibvirtd {
                try await LibvirtHost.expectGone(pod.uuid)
                #expect(try await libvirt.domains() == [])
            }
            try await eventually("the end of the pod's processes", within: .seconds(30)) {
                HostTraces.processes(using: fixture.data).isEmpty
            }
            let collect = try await fixture.rkt("gc", "--grace-period=0s")
            #expect(collect.status == 0, "\(collect.error)")
            try await LibvirtHost.expectGone(pod.uuid)
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }

    // MARK: - Refusals

    @Test func withoutLibvirtdThereIsNoPod() async throws {
        try await PodFixture.with { fixture in
            try fixture.configure("hypervisor", #""backend":"libvirt""#)
            let socket = fixture.path("missing-sock")
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox("echo never"),
                environment: ["LIBVIRT_DEFAULT_URI": "qemu+unix:///system?socket=\(socket)"])
            #expect(run.status == 254)
            #expect(!run.output.contains("never"))
            let line = run.complaints.first { $0.contains("\(socket)") }
            for word in ["libvirt cannot be reached", "No such file", "systemctl start libvirtd", "\"backend\""] {
                #expect(line?.contains(word) == true, "\(run.error)")
            }
            #expect(HostTraces.processes(using: fixture.data) == [])
        }
    }

    @Test func volumesOver9pAreRefused() async throws {
        try await PodFixture.with { fixture in
            try fixture.configure("hypervisor", #""backend":"libvirt","volumes":"9p""#)
            let run = try await fixture.rkt(
                ["run", "--volume=data,kind=host,source=\(fixture.scratch.path)"]
                    + PodFixture.busybox("echo never", ["--mount=volume=data,target=/data"]))
            #expect(run.status == 254)
            #expect(run.error.contains("9p") && run.error.contains("\"virtiofs\""), "\(run.error)")
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }
}
