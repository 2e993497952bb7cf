// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods of the stage1 image for containers. What they have in common with virtual machines is tested with those.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct ContainerTests {
    private func with(_ body: (PodFixture) async throws -> Void) async throws {
        try await PodFixture.with { fixture in
            fixture.stage1 = BuildProducts.containerStage1
            try await body(fixture)
            #expect(try controlGroups(of: fixture) == [])
        }
    }

    /// Control groups of the fixture's pods that the host has: below those of this process, which are the supervisors' too.
    private func controlGroups(of fixture: PodFixture) throws -> [FilePath] {
        try fixture.uuids.flatMap { try controlGroups($0) }
    }

    private func controlGroups(_ uuid: String) throws -> [FilePath] {
        try ControlGroups(named: "rkt-\(uuid)").directories.filter { FileSystem.exists($0) }
    }

    @Test func aPodSharesTheHostsKernelAndNothingElse() async throws {
        try await with { fixture in
            let release = try await fixture.shell("uname -r").output
            let script =
                "uname -r; hostname; echo $$; ls /proc | grep -c '^[0-9]'; cat /sys/class/net/*/uevent; exit 42"
            let run = try await fixture.rkt(["run", "--hostname=container"] + PodFixture.busybox(script))
            #expect(run.status == 42)
            #expect(run.complaints.isEmpty)
            let texts = run.texts()
            #expect(texts.prefix(2) == [release.filter { $0 != "\n" }, "container"])
            #expect(texts.dropFirst(2).compactMap { Int($0) }.allSatisfy { $0 < 30 })
            #expect(texts.filter { $0.hasPrefix("INTERFACE=") } == ["INTERFACE=lo"])
            let uuid = try #require(fixture.uuids.first)
            #expect(try await fixture.status(uuid)["app-busybox"] == "42")
            let status = try JSONValue(parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
            #expect(status.value(forKey: "machine")?.value(forKey: "backend")?.string == "nspawn")
        }
    }

    @Test func aPodIsEnteredAndStopped() async throws {
        try await with { fixture in
            let pod = try await fixture.run(script: "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 1; done")
            #expect(try controlGroups(of: fixture) != [])
            let seen = try await fixture.rkt("enter", pod.uuid, "/bin/sh", "-c", "echo $AC_APP_NAME; exit 7")
            #expect(seen.status == 7 && seen.lines == ["busybox"])
            #expect(try await fixture.rkt("stop", pod.uuid).status == 0)
            let end = try await pod.process.end()
            #expect(end.status == 0)
            #expect(end.texts() == ["up", "bye"])
            #expect(try controlGroups(of: fixture) == [])
        }
    }

    @Test(arguments: ["supervisor", "systemd-nspawn"])
    func nothingIsLeftOfAPodThatWasKilled(_ victim: String) async throws {
        try await with { fixture in
            let pod = try await fixture.run(script: "sleep 100000")
            let processes = HostTraces.descendants(of: pod.process.child.pid)
            #expect(try controlGroups(pod.uuid) != [])
            let container = try #require(processes.first { $0.name.hasPrefix("ld-linux") })
            let inside = HostTraces.descendants(of: container.pid).map(\.pid)
            #expect(inside.count > 3)
            if victim == "supervisor" {
                try pod.process.child.signal(9)
            } else {
                try ChildProcess(pid: container.pid).signal(9)
            }
            let end = try await pod.process.end()
            #expect(end.status == (victim == "supervisor" ? 137 : 250))
            try await eventually("the end of the container") { !inside.contains { HostTraces.isAlive($0) } }
            #expect(try await fixture.rkt("gc", "--grace-period=0s").status == 0)
            #expect(fixture.uuids == [])
            #expect(try controlGroups(pod.uuid) == [])
            #expect(!FileSystem.exists(FilePath("/run/systemd/nspawn/propagate/rkt-\(pod.uuid)")))
        }
    }

    @Test func aPodCanHaveTheHostsNetwork() async throws {
        try await with { fixture in
            try await fixture.leaveNetwork()
            _ = try await fixture.onNetwork("ip link add hosts0 type veth peer name hosts1")
            let run = try await fixture.rkt(["run", "--net=host"] + PodFixture.busybox("ls /sys/class/net"))
            #expect(run.status == 0)
            #expect(run.texts().contains("hosts0"))
        }
    }

    @Test func socketsAndDevicesOfTheHostAreVolumes() async throws {
        try await with { fixture in
            let socket = fixture.path("socket")
            let listener = try UnixSocket.listen(socket)
            defer { try? listener.close() }
            // One that apps cannot use without being told.
            let device = try #require(["/dev/fuse", "/dev/loop-control"].first { FileSystem.exists(FilePath($0)) })
            let run = try await fixture.rkt(
                [
                    "run", "--volume=s,kind=host,source=\(socket)", "--mount=volume=s,target=/run/host.sock",
                    "--volume=z,kind=host,source=/dev/zero,readOnly=true", "--mount=volume=z,target=/dev/nothing",
                    "--volume=d,kind=host,source=\(device)", "--mount=volume=d,target=/dev/other",
                ]
                    + PodFixture.busybox(
                        "test -S /run/host.sock && head -c 3 /dev/nothing | wc -c; : <>/dev/other && echo open"))
            #expect(run.status == 0)
            #expect(run.texts() == ["3", "open"])
        }
    }

    @Test func anAppCannotChangeTheHostsKernel() async throws {
        try await with { fixture in
            // What is written is what is there already.
            let script = """
                for file in kernel/core_pattern vm/overcommit_memory; do
                    cat /proc/sys/$file >/tmp/value; (cat /tmp/value >/proc/sys/$file) 2>/dev/null && echo $file
                done
                mknod /tmp/device c 10 229 2>/dev/null && (: <>/tmp/device) 2>/dev/null && echo device
                echo end
                """
            let run = try await fixture.rkt(["run"] + PodFixture.busybox(script))
            #expect(run.texts() == ["end"])
        }
    }

    @Test func whatIsMountedInAReadOnlyVolumeIsReadOnlyToo() async throws {
        try await with { fixture in
            try await fixture.leaveNetwork()
            let volume = fixture.path("volume")
            try FileSystem.makeDirectories(volume.appending("below"))
            #expect(try await fixture.onNetwork("mount -t tmpfs none \(volume.appending("below"))").status == 0)
            let image = try await fixture.rkt("fetch", "--full", BuildProducts.image("busybox").string).lines.last ?? ""
            let apps = [("reader", true), ("writer", false)].map { name, isReadOnly in
                """
                {"name":"\(name)","image":{"id":"\(image)"},"app":{"exec":["/bin/sh","-c",
                "touch /data/below/\(name) && echo written; true"],"user":"0","group":"0",
                "mountPoints":[{"name":"v","path":"/data","readOnly":\(isReadOnly)}]},
                "mounts":[{"volume":"v","path":"/data"}]}
                """
            }
            let manifest = fixture.path("manifest")
            let text = """
                {"acKind":"PodManifest","acVersion":"0.8.11","apps":[\(apps.joined(separator: ","))],
                "volumes":[{"name":"v","kind":"host","source":"\(volume)"}]}
                """
            try FileSystem.write(Array(text.utf8), to: manifest)
            let run = try await fixture.rkt("run", "--net=none", "--pod-manifest=\(manifest)")
            #expect(run.texts(of: "writer") == ["written"], "\(run.error)")
            #expect(run.texts(of: "reader").contains { $0.contains("Read-only file system") })
        }
    }

    @Test func settingsOfTheHostsKernelAreRefused() async throws {
        try await with { fixture in
            let manifest = fixture.path("manifest")
            let image = try await fixture.rkt("fetch", "--full", BuildProducts.image("busybox").string).lines.last ?? ""
            func write(_ key: String) throws {
                let text = """
                    {"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"a","image":{"id":"\(image)"},
                    "app":{"exec":["/bin/cat","/proc/sys/\(key.map { $0 == "." ? "/" : $0 }.map(String.init).joined())"],
                    "user":"0","group":"0"}}],
                    "isolators":[{"name":"os/unix/sysctl","value":{"\(key)":"64"}}]}
                    """
                try FileSystem.write(Array(text.utf8), to: manifest)
            }
            try write("net.core.somaxconn")
            let own = try await fixture.rkt("run", "--pod-manifest=\(manifest)")
            #expect(own.texts(of: "a") == ["64"], "\(own.error)")
            try write("kernel.threads-max")
            let before = try FileSystem.readText("/proc/sys/kernel/threads-max")
            let hosts = try await fixture.rkt("run", "--pod-manifest=\(manifest)")
            #expect(hosts.status == 254)
            #expect(hosts.error.contains("kernel.threads-max") && hosts.error.contains("virtual machine"))
            #expect(try FileSystem.readText("/proc/sys/kernel/threads-max") == before)
        }
    }
}
