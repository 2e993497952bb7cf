// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Containers with users of their own, looked at from the host.
@Suite(.requiresBuild, .requiresRoot, .podLogs, .timeLimit(.minutes(5)))
struct PrivateUsersTests {
    private static let flag = "--private-users"
    /// How the roots of pods come about.
    private static let storages = ["--no-overlay=false", "--no-overlay"]

    private func with(_ body: (PodFixture) async throws -> Void) async throws {
        try await PodFixture.with { fixture in
            fixture.stage1 = BuildProducts.containerStage1
            try await body(fixture)
        }
    }

    private func layout(_ fixture: PodFixture, _ uuid: String) -> PodPaths {
        PodPaths(directory: fixture.data.appending("pods").appending("run").appending(uuid))
    }

    /// What a test looks at in a pod's directory.
    private struct PodPaths {
        let directory: FilePath
        var root: FilePath {
            ["stage1", "rootfs", "opt", "stage2", "busybox", "rootfs"].reduce(directory) { $0.appending($1) }
        }
        /// What the app has written on top of its image.
        var upper: FilePath { ["overlay", "apps", "busybox", "upper"].reduce(directory) { $0.appending($1) } }

        func users() throws -> UserRange {
            let text = try FileSystem.readText(directory.appending("users"), limit: 100)
            return try UserRange(parsing: String(text.prefix { $0 != "\n" }))
        }
    }

    /// The id that the host knows a process by, and the lines of its map.
    private func users(of process: Int32) throws -> (id: UInt32?, map: [String]) {
        let status = try FileSystem.readText(FilePath("/proc/\(process)/status"))
        let line = status.split(separator: "\n").first { $0.hasPrefix("Uid:") } ?? ""
        let map = try FileSystem.readText(FilePath("/proc/\(process)/uid_map"))
        let words = line.split(whereSeparator: \.isWhitespace)
        return (words.count > 1 ? UInt32(words[1]) : nil, map.split(whereSeparator: \.isWhitespace).map(String.init))
    }

    /// A process of the pod by its program's name.
    private func process(_ name: String, of pod: RunningPod) async throws -> Int32 {
        var found: Int32?
        try await eventually("a process \(name)") {
            found = HostTraces.descendants(of: pod.process.child.pid).first { $0.name == name }?.pid
            return found != nil
        }
        return try #require(found)
    }

    @Test(arguments: storages)
    func rootOfAPodIsNobodyOnTheHostAndItsFilesAreRoots(storage: String) async throws {
        try await with { fixture in
            let script = """
                id -u; set -- $(cat /proc/self/uid_map); echo "map $1 $3"; stat -c %u:%g /bin/busybox /tmp
                echo text >/made; mkdir /made.d; chown 12:34 /made.d; test -s /made && echo kept
                echo x >/dev/null && test -c /dev/zero && test -d /sys/class/net && test -d /proc/1 && echo there
                trap 'exit 5' TERM; echo up; while :; do sleep 1; done
                """
            let pod = try await fixture.run(script: script, options: [Self.flag, storage])
            try await pod.awaitOutput(": up")
            let paths = layout(fixture, pod.uuid)
            let users = try paths.users()
            #expect(users.count == 65536 && users.first >= 524_288)
            let (id, map) = try await self.users(of: process("sh", of: pod))
            #expect(id == users.first)
            #expect(map == ["0", "\(users.first)", "65536"])
            // The supervisor, and what makes the container, are the host's.
            #expect(try self.users(of: pod.process.child.pid).id == 0)
            #expect(try await pod.shell("id -u; echo mine >/entered; stat -c %u /entered /made.d") == "0\n0\n12")
            #expect(try await fixture.rkt("stop", pod.uuid).status == 0)
            let end = try await pod.process.end()
            // An app that was asked to end has not failed.
            #expect(end.status == 0)
            #expect(end.texts() == ["0", "map 0 65536", "0:0", "0:0", "kept", "there", "up"])
            #expect(end.complaints.isEmpty, "\(end.error)")

            // What the disk has is an image's.
            for point in try Mount.points(beneath: paths.directory) { try Mount.unmount(point) }
            let root = storage == "--no-overlay" ? paths.root : paths.upper
            for (name, owner) in [("made", UInt32(0)), ("entered", 0), ("made.d", 12)] {
                #expect(try FileSystem.status(root.appending(name)).uid == owner, "\(name)")
            }
            #expect(try await fixture.rkt("gc", "--grace-period=0s").status == 0)
            #expect(fixture.uuids == [])
        }
    }

    @Test func podsAtTheSameTimeShareNoIds() async throws {
        try await with { fixture in
            let script = "echo up; exec sleep 100000"
            let pods = [
                try await fixture.run(script: script, options: [Self.flag]),
                try await fixture.run(script: script, options: [Self.flag]),
            ]
            let ranges = try pods.map { try layout(fixture, $0.uuid).users() }
            #expect(!ranges[0].ids.overlaps(ranges[1].ids))
            for (pod, range) in zip(pods, ranges) {
                #expect(try await users(of: process("sleep", of: pod)).id == range.first)
            }
            for pod in pods { _ = try await pod.stop() }
        }
    }

    @Test(arguments: storages)
    func exitStatusesAndExportsAreThoseOfOtherPods(storage: String) async throws {
        try await with { fixture in
            let run = try await fixture.rkt(
                ["run", Self.flag, storage]
                    + PodFixture.busybox("echo a >/a; chown 7:8 /a; rm /bin/vi; id -u; exit 42", ["--user=0"]))
            #expect(run.status == 42, "\(run.error)")
            #expect(run.texts().last == "0")
            let uuid = try #require(fixture.uuids.first)
            #expect(try await fixture.status(uuid)["app-busybox"] == "42")
            let file = fixture.path("exported.aci")
            let export = try await fixture.rkt("export", uuid, file.string)
            #expect(export.status == 0, "\(export.error)")
            let list = try await fixture.shell("tar --numeric-owner -tvf \(file) | grep -e rootfs/a$ -e bin/busybox$")
            #expect(list.lines.contains { $0.contains(" 7/8 ") && $0.hasSuffix("rootfs/a") }, "\(list.output)")
            #expect(list.lines.contains { $0.contains(" 0/0 ") && $0.hasSuffix("busybox") }, "\(list.output)")
        }
    }

    @Test(arguments: storages)
    func anAppIsConfinedAsInOtherPods(storage: String) async throws {
        try await with { fixture in
            let script = """
                id -u; id -g; touch /new 2>/dev/null || echo fixed; echo x >/dev/null && echo null
                mknod /tmp/device c 1 3 2>/dev/null || echo none
                """
            let flags = ["--user=12", "--group=34", "--readonly-rootfs=true"]
            let run = try await fixture.rkt(["run", Self.flag, storage] + PodFixture.busybox(script, flags))
            #expect(run.status == 0, "\(run.error)")
            #expect(run.texts() == ["12", "34", "fixed", "null", "none"])
            #expect(run.complaints.isEmpty, "\(run.error)")
        }
    }

    @Test func usersHaveTheSameNumbersInVolumesAsOnTheHost() async throws {
        try await with { fixture in
            let volume = fixture.path("volume")
            try FileSystem.makeDirectories(volume)
            let file = fixture.path("single")
            try FileSystem.write("single\n".utf8, to: file, mode: 0o600)
            let script = """
                cat /single; echo mine >/data/root; echo more >/empty/file; stat -c %u:%g /data /empty /empty/file
                touch /data/other && chown 5:6 /data/other; (: >>/fixed/root) 2>/dev/null || echo fixed
                """
            let run = try await fixture.rkt(
                [
                    "run", Self.flag, "--volume=d,kind=host,source=\(volume)", "--mount=volume=d,target=/data",
                    "--volume=s,kind=host,source=\(file)", "--mount=volume=s,target=/single",
                    "--volume=r,kind=host,source=\(volume),readOnly=true", "--mount=volume=r,target=/fixed",
                    "--volume=e,kind=empty,uid=3,gid=4", "--mount=volume=e,target=/empty",
                ] + PodFixture.busybox(script))
            #expect(run.status == 0, "\(run.error)")
            #expect(run.texts() == ["single", "0:0", "3:4", "0:0", "fixed"])
            #expect(try FileSystem.status(volume.appending("root")).uid == 0)
            #expect(try FileSystem.status(volume.appending("other")).uid == 5)
        }
    }

    @Test func aVolumeWhoseOwnersCannotBeMappedIsRefused() async throws {
        try await with { fixture in
            let run = try await fixture.rkt(
                [
                    "run", Self.flag, "--volume=p,kind=host,source=/proc,recursive=false",
                    "--mount=volume=p,target=/host",
                ] + PodFixture.busybox("true"))
            #expect(run.status == 254)
            #expect(run.error.contains("(proc)") && run.error.contains("leave out --private-users"))
            #expect(fixture.uuids == [])
        }
    }

    @Test func aPodUsesItsNetworkAsOthersDo() async throws {
        try await with { fixture in
            let manifest = fixture.path("manifest")
            let image = try await fixture.rkt("fetch", "--full", BuildProducts.image("busybox").string).lines.last ?? ""
            let script = """
                cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmni; nc -l -p 80 </dev/null >/dev/null &
                while ! netstat -ltn | grep -q :80; do kill -0 $! || exit 3; usleep 100000; done; echo listens; kill $!
                (echo 7 >/proc/sys/net/core/somaxconn) 2>/dev/null || echo kept
                """
            let words = ["/bin/sh", "-c", script].map { JSONValue.string($0).encoded() }.joined(separator: ",")
            let text = """
                {"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"a","image":{"id":"\(image)"},
                "app":{"exec":[\(words)],"user":"0","group":"0"}}],"isolators":[{"name":"os/unix/sysctl",
                "value":{"net.core.somaxconn":"64","kernel.shmmni":"77"}}]}
                """
            try FileSystem.write(Array(text.utf8), to: manifest)
            let run = try await fixture.rkt(["run", "--net=none", Self.flag, "--pod-manifest=\(manifest)"])
            #expect(run.status == 0, "\(run.error)")
            #expect(run.texts(of: "a") == ["64", "77", "listens", "kept"])
        }
    }

    @Test func anAppWithoutAContainerHasTheHostsUsers() async throws {
        try await with { fixture in
            fixture.stage1 = BuildProducts.flyStage1
            let run = try await fixture.rkt(["run", "--net=host", Self.flag] + PodFixture.busybox("true"))
            #expect(run.status == 254)
            #expect(run.error.contains("--private-users is not supported"))
            #expect(fixture.uuids == [])
        }
    }

    @Test func nothingIsLeftOfAPodThatWasKilled() async throws {
        try await with { fixture in
            let pod = try await fixture.run(script: "exec sleep 100000", options: [Self.flag])
            let inside = HostTraces.descendants(of: pod.process.child.pid).map(\.pid)
            try pod.process.signal(9)
            #expect(try await pod.process.end().status == 137)
            try await eventually("the end of the container") { !inside.contains { HostTraces.isAlive($0) } }
            #expect(try await fixture.rkt("gc", "--grace-period=0s").status == 0)
            #expect(fixture.uuids == [])
            let groups = try ControlGroups(named: "rkt-\(pod.uuid)").directories
            #expect(groups.filter { FileSystem.exists($0) } == [])
        }
    }
}
