// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods of the stage1 image whose `rkt run` becomes the app.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct FlyTests {
    private func with(_ body: (PodFixture) async throws -> Void) async throws {
        try await PodFixture.with { fixture in
            fixture.stage1 = BuildProducts.flyStage1
            try await body(fixture)
        }
    }

    /// The network is named, as the fixture would ask for none otherwise.
    private func run(
        _ fixture: PodFixture, _ script: String, _ options: [String] = [], _ flags: [String] = []
    ) async throws -> HostProcess.Outcome {
        try await fixture.rkt(["run", "--net=host"] + options + PodFixture.busybox(script, flags))
    }

    private func start(_ fixture: PodFixture, _ script: String, _ options: [String] = []) async throws -> RunningPod {
        try await fixture.run(script: script, options: ["--net=host"] + options)
    }

    // MARK: - The process

    @Test func theProcessOfRunBecomesTheApp() async throws {
        try await with { fixture in
            let script =
                "echo $AC_APP_NAME; readlink /etc/mtab; grep -c ' /tmp tmpfs ' /proc/mounts; stat -c %a /tmp; "
                + "test -c /dev/null && test -d /sys/class && echo mounted; echo complaint >&2; exit 42"
            let end = try await run(fixture, script)
            #expect(end.status == 42)
            // Nothing stands between the app and the caller's descriptors.
            #expect(end.lines == ["busybox", "../proc/self/mounts", "1", "1777", "mounted"])
            #expect(end.complaints == ["complaint"])
            let uuid = try #require(fixture.uuids.first)
            let status = try await fixture.status(uuid)
            #expect(status["state"] == "exited")
            #expect(!status.keys.contains { $0.hasPrefix("app-") })
            let json = try JSONValue(parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
            #expect(json.value(forKey: "machine")?.value(forKey: "backend")?.string == "fly")
            #expect(json.value(forKey: "machine")?.value(forKey: "isolation")?.string == "chroot")
            // Nobody was there to see how it ended.
            #expect(json.value(forKey: "end") == nil)
        }
    }

    @Test func thePodRunsAsLongAsItsApp() async throws {
        try await with { fixture in
            let pod = try await start(fixture, "exec sleep 100000")
            #expect(try await pod.status()["pid"] == "\(pod.process.child.pid)")
            #expect(try await pod.status()["state"] == "running")
            #expect(try await fixture.rkt("rm", pod.uuid).status == 254)
            // Its mounts are its own.
            let points = try Mount.points(beneath: pod.directory).compactMap { $0.lastComponent?.string }
            #expect(points.allSatisfy { !["dev", "proc", "sys", "tmp"].contains($0) })
            try pod.process.signal(9)
            #expect(try await pod.process.end().status == 137)
            #expect(try await pod.status()["state"] == "exited")
        }
    }

    @Test func aProgramThatIsMissingIsNamed() async throws {
        try await with { fixture in
            let end = try await fixture.rkt(
                ["run", "--net=host", BuildProducts.image("busybox").string, "--exec=/no where"])
            #expect(end.status == 203)
            #expect(end.complaints == ["Error: Unable to open \"/no where\": No such file or directory"])
            let directory = try await run(fixture, "true", [], ["--working-dir=/nowhere"])
            #expect(directory.status == 200)
            // As a user who can write nothing of the pod's, and in a root where its path leads nowhere.
            let denied = try await fixture.rkt(
                ["run", "--net=host", BuildProducts.image("busybox").string, "--user=12", "--exec=/no where"])
            #expect(denied.status == 203)
            #expect(fixture.uuids.count == 3)
            for uuid in fixture.uuids {
                let json = try JSONValue(
                    parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
                #expect(json.value(forKey: "end")?.value(forKey: "cause")?.string == "start-failed")
                let message = json.value(forKey: "end")?.value(forKey: "message")?.string ?? ""
                #expect(message.contains("/no where") || message.contains("/nowhere"), "\(message)")
            }
        }
    }

    @Test func twoAppsAreRefusedBeforeAnythingIsMade() async throws {
        try await with { fixture in
            let end = try await fixture.rkt(
                ["run", "--net=host"] + PodFixture.busybox("true", name: "a") + PodFixture.busybox("true", name: "b"))
            #expect(end.status == 254)
            #expect(end.error.contains("fly only supports 1 application per Pod for now"))
            #expect(fixture.uuids == [])
        }
    }

    // MARK: - Running pods

    @Test func aCommandIsEnteredWithTheAppsEnvironmentAndUser() async throws {
        try await with { fixture in
            let flags = ["--user=12", "--group=34"]
            let options = ["--net=host", "--set-env=COLOUR=dark blue"]
            let pod = try await fixture.run(options + PodFixture.busybox("exec sleep 100000", flags))
            let script = "echo $COLOUR $AC_APP_NAME; id -u; id -g; ls -d /tmp; test -d /proc/self && echo proc; exit 7"
            let seen = try await pod.enter(["/bin/sh", "-c", script])
            #expect(seen.status == 7)
            #expect(seen.lines == ["dark blue busybox", "12", "34", "/tmp", "proc"])
            let missing = try await pod.enter(["/no/such/program"])
            #expect(missing.status == 1)
            #expect(missing.error.contains("Unable to open \"/no/such/program\""))
            // What the app has mounted over its root is there, what lies beneath is not.
            let root = try FileSystem.readSymbolicLink(FilePath("/proc/\(pod.process.child.pid)/root"))
            #expect(root.hasSuffix("/stage1/rootfs/opt/stage2/busybox/rootfs"))
        }
    }

    @Test func stopSignalsTheApp() async throws {
        try await with { fixture in
            let pod = try await start(fixture, "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 1; done")
            try await pod.awaitOutput("up")
            let stop = try await fixture.rkt("stop", pod.uuid)
            #expect(stop.status == 0)
            #expect(stop.output == "\"\(pod.uuid)\"\n")
            let end = try await pod.process.end()
            #expect(end.status == 5)
            #expect(end.lines == ["up", "bye"])
            #expect(try await fixture.rkt("status", "--wait=30s", pod.uuid).status == 0)
            #expect(try await pod.status()["state"] == "exited")
        }
    }

    @Test func forceKillsTheApp() async throws {
        try await with { fixture in
            let pod = try await start(fixture, "trap '' TERM; exec sleep 100000")
            #expect(try await fixture.rkt("stop", "--force", pod.uuid).status == 0)
            #expect(try await pod.process.end().status == 137)
        }
    }

    @Test func aPodThatTakesTooLongHasFailedOnItsKernel() async throws {
        try await with { fixture in
            let test = try await fixture.rkt(
                [
                    "kernel-test", "--timeout=2s", "--no-legend", "--kernel=\(BuildProducts.flyStage1)", "--",
                    "--net=host",
                ] + PodFixture.busybox("trap 'exit 0' TERM; while :; do sleep 1; done"))
            #expect(test.status != 0, "\(test.error)")
            #expect(test.output.contains("timed-out"), "\(test.output)")
        }
    }

    // MARK: - Volumes

    @Test func mountsGoBothWaysThroughAVolumeThatIsAMountPointAndNoOther() async throws {
        try await with { fixture in
            let shared = fixture.path("shared"), plain = fixture.path("plain")
            for directory in [shared, plain] { try FileSystem.makeDirectory(directory) }
            try Mount.mount(source: "tmpfs", target: shared, type: "tmpfs")
            for directory in [shared, plain] { try FileSystem.makeDirectory(directory.appending("below")) }
            let script =
                "for d in /shared /plain; do mount -t tmpfs none $d/below && echo app >$d/below/file; done; echo up; "
                + "exec sleep 100000"
            let pod = try await start(
                fixture, script,
                [
                    "--volume=s,kind=host,source=\(shared)", "--mount=volume=s,target=/shared",
                    "--volume=p,kind=host,source=\(plain)", "--mount=volume=p,target=/plain",
                ])
            try await pod.awaitOutput("up")
            #expect(try FileSystem.readText(shared.appending("below/file")) == "app\n")
            #expect(!FileSystem.exists(plain.appending("below/file")))
            let late = shared.appending("late")
            try FileSystem.makeDirectory(late)
            try Mount.mount(source: "tmpfs", target: late, type: "tmpfs")
            try FileSystem.write("host".utf8, to: late.appending("file"))
            #expect(try await pod.shell("cat /shared/late/file") == "host")
            // What was mounted on the host stays there.
            #expect(try await fixture.rkt("stop", "--force", pod.uuid).status == 0)
            _ = try await pod.process.end()
            #expect(try FileSystem.readText(shared.appending("below/file")) == "app\n")
        }
    }

    @Test func volumesAreNotRecursiveUnlessAskedFor() async throws {
        try await with { fixture in
            let source = fixture.path("source"), below = source.appending("below")
            try FileSystem.makeDirectories(below)
            try Mount.mount(source: "tmpfs", target: below, type: "tmpfs")
            try FileSystem.write("x".utf8, to: below.appending("file"))
            let end = try await run(
                fixture,
                "ls /flat/below | wc -l; ls /deep/below; touch /flat/new && echo written; touch /deep/below/new || :",
                [
                    "--volume=flat,kind=host,source=\(source)", "--mount=volume=flat,target=/flat",
                    "--volume=deep,kind=host,source=\(source),recursive=true,readOnly=true",
                    "--mount=volume=deep,target=/deep",
                ])
            #expect(end.status == 0)
            #expect(end.lines == ["0", "file", "written"])
            #expect(end.error.contains("Read-only file system"))
            #expect(FileSystem.exists(source.appending("new")))
        }
    }

    @Test func emptyVolumesFilesAndReadOnlyRootsHold() async throws {
        try await with { fixture in
            let single = fixture.path("single")
            try FileSystem.write("one".utf8, to: single)
            let end = try await run(
                fixture,
                "stat -c '%a %u' /tmp; cat /new/place; echo; grep -c 192.0.2.7 /etc/resolv.conf; "
                    + "grep -c localhost /etc/hosts; touch /no 2>/dev/null || echo kept; touch /tmp/yes && echo written",
                [
                    "--volume=t,kind=empty,mode=0750,uid=5", "--mount=volume=t,target=/tmp",
                    "--volume=f,kind=host,source=\(single)", "--mount=volume=f,target=/new/place", "--dns=192.0.2.7",
                ], ["--readonly-rootfs=true"])
            #expect(end.status == 0, "\(end.error)")
            #expect(end.lines == ["750 5", "one", "1", "2", "kept", "written"])
        }
    }

    @Test func nothingIsMadeInTheHostsDirectories() async throws {
        try await with { fixture in
            let name = "rkt-fly-\(fixture.scratch.path.lastComponent?.string ?? "")"
            let end = try await run(
                fixture, "true",
                ["--volume=v,kind=host,source=\(fixture.data)", "--mount=volume=v,target=/dev/\(name)"])
            #expect(end.status == 254)
            #expect(end.error.contains("there is no /dev/\(name)"))
            #expect(!FileSystem.exists(FilePath("/dev/\(name)")))
        }
    }

    /// An image whose `/etc` is a link into a volume: nothing of the pod's is made in it.
    @Test(arguments: [false, true]) func linksOfTheImageLeadToNothingNewInAVolume(hasResolver: Bool) async throws {
        try await with { fixture in
            let source = fixture.path("source")
            try FileSystem.makeDirectories(source.appending("etc"))
            let prepared = try await fixture.rkt(
                ["prepare", "--no-overlay", "--volume=v,kind=host,source=\(source)", "--mount=volume=v,target=/data"]
                    + PodFixture.busybox("readlink /etc"))
            #expect(prepared.status == 0, "\(prepared.error)")
            let uuid = String(prepared.output.prefix(36))
            let etc = fixture.data.pushing(
                FilePath("pods/prepared/\(uuid)/stage1/rootfs/opt/stage2/busybox/rootfs/etc"))
            try FileSystem.removeTree(etc)
            try FileSystem.makeSymbolicLink(to: "/data/etc", at: etc)
            let flags = hasResolver ? ["--dns=192.0.2.7"] : []
            let end = try await fixture.rkt(["run-prepared", "--net=host"] + flags + [uuid])
            #expect(end.status == (hasResolver ? 254 : 0), "\(end.error)")
            #expect(end.lines == (hasResolver ? [] : ["/data/etc"]))
            if hasResolver { #expect(end.error.contains("there is no /etc/resolv.conf"), "\(end.error)") }
            #expect(try FileSystem.list(source.appending("etc")) == [])
        }
    }

    // MARK: - What it does not do

    @Test func thePodIsOnTheHostsNetworkWhateverIsAskedFor() async throws {
        try await with { fixture in
            try await fixture.leaveNetwork()
            _ = try await fixture.onNetwork("ip link add hosts0 type veth peer name hosts1")
            for (flags, count) in [([], 0), (["--net=host"], 0), (["--net=none"], 1)] as [([String], Int)] {
                let end = try await fixture.rkt(["run"] + flags + PodFixture.busybox("ip link"))
                #expect(end.status == 0)
                #expect(end.output.contains("hosts0"))
                #expect(end.complaints.count { $0.contains("does nothing") } == count)
                #expect(end.complaints.count == count)
            }
        }
    }

    @Test func isolatorsAreToldToDoNothingOnce() async throws {
        try await with { fixture in
            let end = try await run(fixture, "true", [], ["--memory=64Mi"])
            #expect(end.status == 0)
            #expect(end.complaints == ["stage1: warning: isolator resource/memory of app busybox is not enforced"])
        }
    }

    @Test func whatIsToBeIsolatedMoreIsRefused() async throws {
        try await with { fixture in
            // A backend is for pods with a kernel of their own, and says nothing about this one.
            try fixture.configure("hypervisor", #""backend":"qemu","minimumIsolation":"chroot""#)
            #expect(try await run(fixture, "true").status == 0)
            try fixture.configure("hypervisor", #""minimumIsolation":"container""#)
            let end = try await run(fixture, "echo started")
            #expect(end.status == 254)
            #expect(end.output == "")
            for word in ["\"chroot\"", "\"container\"", "minimumIsolation"] { #expect(end.error.contains(word)) }
            #expect(fixture.uuids.count == 1)
        }
    }

    @Test func theTerminalIsTheCallers() async throws {
        try await with { fixture in
            let terminal = try TestSupport.PseudoTerminal()
            let process = try fixture.start(
                ["run", "--net=host", "--interactive"] + PodFixture.busybox("test -t 0 && test -t 1 && exit 9"),
                input: .terminal(terminal))
            #expect(try await process.end().status == 9)
        }
    }
}
