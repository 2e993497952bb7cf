// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct VolumeTests {
    @Test(.requires(.severalApps), arguments: VolumeTransport.allCases)
    func hostDirectoriesAreSharedBothWays(over transport: VolumeTransport) async throws {
        try await PodFixture.with { fixture in
            try transport.configure(fixture)
            let data = fixture.path("host"), kept = fixture.path("kept"), single = fixture.path("single")
            for directory in [data, kept] { try FileSystem.makeDirectory(directory) }
            try FileSystem.write("from the host".utf8, to: data.appending("host"))
            try FileSystem.write("unchanged".utf8, to: kept.appending("file"))
            try FileSystem.write("one".utf8, to: single)
            let pod = try await fixture.run(
                [
                    "--volume=data,kind=host,source=\(data)", "--volume=kept,kind=host,source=\(kept),readOnly=true",
                    "--volume", "single,kind=host,source=\(single)", "--mount=volume=data,target=/srv/data",
                ]
                    + PodFixture.busybox(
                        "exec sleep 100000", name: "a",
                        ["--mount=volume=kept,target=kept", "--mount", "volume=single,target=/new/place/single"])
                    + PodFixture.busybox("exec sleep 100000", name: "b"))

            #expect(try await pod.shell("cat /srv/data/host", app: "a") == "from the host")
            let script =
                "echo guest >/srv/data/guest; chown 12:34 /srv/data/guest; chmod 640 /srv/data/guest; mkdir /srv/data/d; "
                + "ln -s guest /srv/data/link; ln /srv/data/guest /srv/data/d/same; mv /srv/data/d /srv/data/moved"
            #expect(try await pod.shell(script, app: "b") == "")
            let status = try FileSystem.status(data.appending("guest"))
            #expect(status.uid == 12 && status.gid == 34 && status.mode == 0o640 && status.linkCount == 2)
            #expect(try FileSystem.readText(data.appending("moved/same")) == "guest\n")
            #expect(try FileSystem.readSymbolicLink(data.appending("link")) == "guest")

            // At once or within a second, as Documentation/volumes.md says.
            try FileSystem.write("changed by the host".utf8, to: data.appending("host"))
            try await transport.expect("cat /srv/data/host", "changed by the host", in: pod)
            let entries = try FileSystem.status(data.appending("host")).size
            try await transport.expect("stat -c %s /srv/data/host", "\(entries)", in: pod)
            try FileSystem.remove(data.appending("host"))
            try await transport.expect("ls /srv/data", "guest\nlink\nmoved", in: pod)
            try FileSystem.write("new".utf8, to: data.appending("moved/new"))
            try await transport.expect("cat /srv/data/moved/new", "new", in: pod)

            // On the host's side: not even the guest's root can change that.
            #expect(try await pod.shell("echo x >/kept/file", app: "a").contains("Read-only file system"))
            let force = "mount -o remount,bind,rw /kept; mount -o remount,rw /kept; echo x >/kept/file; cat /kept/file"
            #expect(try await pod.shell(force, app: "a").contains("unchanged"))
            #expect(try FileSystem.readText(kept.appending("file")) == "unchanged")

            #expect(try await pod.shell("cat /new/place/single; echo two >/new/place/single", app: "a") == "one")
            #expect(try FileSystem.readText(single) == "two\n")
            #expect(try await pod.shell("ls -d /kept /new", app: "b").contains("No such file"))
            let flags = try await pod.shell("grep ' /srv/data ' /proc/mounts", app: "a")
            if TestedStage1.has(.ownKernel) { #expect(flags.contains("nosuid") && flags.contains("nodev")) }
            #expect(try await pod.stop().status == 0)
            // Nothing of the host is mounted anywhere but in the pod's own processes.
            #expect(try Mount.points(beneath: fixture.data).allSatisfy { !$0.string.contains("volumes") })
        }
    }

    @Test(.requires(.severalApps)) func emptyVolumesBelongToThePod() async throws {
        try await PodFixture.with { fixture in
            let manifest = TarFixture.manifest(
                name: "example.com/with-mount-point",
                extra: #","labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],"#
                    + #""app":{"exec":["/bin/sh"],"user":"0","group":"0","mountPoints":[{"name":"work","path":"/var/work"}]}"#
            )
            let image = try await fixture.image(manifest: manifest)
            let pod = try await fixture.run(
                ["--volume=shared,kind=empty,mode=1777,uid=5,gid=6", "--mount=volume=shared,target=/shared"]
                    + PodFixture.busybox("exec sleep 100000", name: "a")
                    + [image.string, "--name=b", "--", "-c", "exec sleep 100000", "---"])
            #expect(try await pod.shell("stat -c '%a %u %g' /shared", app: "a") == "1777 5 6")
            // What an app root offers, an empty volume does too.
            let script =
                "cd /shared; mkfifo f; exec 3>gone; rm gone; echo kept >&3; cat /proc/self/fd/3; echo x >from-a"
            #expect(try await pod.shell(script, app: "a") == "kept")
            #expect(try await pod.shell("ls /shared", app: "b") == "f\nfrom-a")
            #expect(try await pod.shell("stat -c '%a %u %g' /var/work; ls /var/work | wc -l", app: "b") == "755 0 0\n0")
            #expect(pod.process.error.contains("mount point \"work\" of app \"b\""))
            #expect(try await pod.stop().status == 0)
        }
    }

    /// Docker fills a new volume with what the image has at its place, and its images rely on that.
    @Test(.requires(.severalApps), arguments: [[], ["--no-overlay"]])
    func implicitVolumesOfDockersImagesBeginWithTheirContents(flags: [String]) async throws {
        try await PodFixture.with { fixture in
            func image(_ name: String, _ annotations: String) async throws -> FilePath {
                try await fixture.image(
                    manifest: TarFixture.manifest(
                        name: "example.com/\(name)",
                        extra: #","labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],"#
                            + #""annotations":[\#(annotations)],"app":{"exec":["/bin/sh"],"user":"0","group":"0","#
                            + #""mountPoints":[{"name":"data","path":"/var/data"},{"name":"new","path":"/new/place"}]}"#
                    ),
                    adding: ["srv/data/file": "from the image\n"],
                    links: ["var/data": "/srv/data", "srv/data/link": "file"])
            }
            let docker = try await image("docker", #"{"name":"appc.io/docker/repository","value":"x"}"#)
            let plain = try await image("plain", "")
            let script = """
                cd /var/data; ls; readlink link; stat -c %a,%u file; cat file; echo own >file; ls -A /new/place | wc -l
                """
            for kept in [[], ["--volume=data,kind=empty"]] {
                let run = try await fixture.rkt(
                    ["run"] + flags + kept
                        + [docker.string, "--name=d", "--", "-c", script, "---"]
                        + [plain.string, "--name=p", "--", "-c", "ls -A /var/data | wc -l"])
                #expect(run.status == 0)
                // Another app's volume, and one that is asked for, are as they are asked for: empty.
                #expect(run.texts(of: "p") == ["0"] || !kept.isEmpty)
                let filled = ["file", "link", "file", "755,0", "from the image", "0"]
                #expect(kept.isEmpty ? run.texts(of: "d") == filled : run.texts(of: "d").last == "0")
                #expect(kept.isEmpty || !run.texts(of: "d").contains("from the image"))
            }
            // The image itself has not changed.
            let again = try await fixture.rkt(["run"] + flags + [docker.string, "--", "-c", "cat /var/data/file"])
            #expect(again.texts(of: "docker") == ["from the image"])
        }
    }

    @Test(arguments: VolumeTransport.allCases)
    func targetsStayInsideTheRoot(over transport: VolumeTransport) async throws {
        try await PodFixture.with { fixture in
            try transport.configure(fixture)
            let data = fixture.path("host")
            try FileSystem.makeDirectory(data)
            try FileSystem.write("seen".utf8, to: data.appending("file"))
            let image = try await fixture.image(
                links: ["absolute": "/deep/er/place", "relative": "../../../up", "real/chain": "../real/x"])
            let mounts = ["/../../escape/./here", "/absolute", "/relative/sub", "/real/chain"].map {
                "--mount=volume=data,target=\($0)"
            }
            let run = try await fixture.rkt(
                ["run", "--volume=data,kind=host,source=\(data),readOnly=true"]
                    + [image.string, "--name=a"] + mounts
                    + [
                        "--exec=/bin/sh", "--", "-c",
                        "cd /; cat escape/here/file deep/er/place/file up/sub/file real/x/file",
                    ])
            #expect(run.texts(of: "a") == ["seenseenseenseen"])
            #expect(run.status == 0)
        }
    }

    @Test(.requires(.supervisor), arguments: VolumeTransport.allCases)
    func mountsBelowASourceAreSeenOnRequest(over transport: VolumeTransport) async throws {
        try await PodFixture.with { fixture in
            try transport.configure(fixture)
            let data = fixture.path("host"), below = fixture.path("host/below")
            try FileSystem.makeDirectories(below)
            try Mount.mount(source: "tmpfs", target: below, type: "tmpfs")
            fixture.atEnd { try Mount.unmount(below) }
            try FileSystem.write("x".utf8, to: below.appending("mounted"))
            let run = try await fixture.rkt(
                [
                    "run", "--volume=all,kind=host,source=\(data)",
                    "--volume=top,kind=host,source=\(data),recursive=false",
                    "--volume=kept,kind=host,source=\(data),readOnly=true",
                    "--mount=volume=all,target=/all", "--mount=volume=top,target=/top",
                    "--mount=volume=kept,target=/kept",
                ]
                    + PodFixture.busybox(
                        "exec 2>&1; ls /all/below; ls /top/below | wc -l; echo y >/all/below/new; cat /all/below/new; "
                            + "cat /kept/below/mounted; echo; rm /kept/below/mounted; grep -c ' /all.*nodev' /proc/mounts"
                    ))
            #expect(run.texts().prefix(4) == ["mounted", "0", "y", "x"])
            #expect(run.texts().count { $0.contains("Read-only file system") } == 1)
            if TestedStage1.has(.ownKernel) { #expect(run.texts().last != "0") }
            #expect(try FileSystem.list(below).sorted() == ["mounted", "new"])
        }
    }

    @Test(.requires(.supervisor)) func volumesThatCannotBe() async throws {
        try await PodFixture.with { fixture in
            let busybox = BuildProducts.image("busybox").string
            let socket = fixture.path("socket")
            let listener = try UnixSocket.listen(socket)
            defer { try? listener.close() }
            let missing = fixture.path("missing")
            var cases: [([String], [String])] = [
                (
                    ["--volume=v,kind=host,source=\(missing)", "--mount=volume=v,target=/v"],
                    ["\(missing)", "Failed to stat"]
                ),
                (["--volume=v,kind=empty", "--volume=v,kind=empty"], ["duplicate volume name \"v\""]),
                (["--mount=volume=v,target=/v"], ["dangling mount point \"/v\": volume \"v\" not found"]),
                (["--volume=v,kind=empty", "--mount=volume=v"], ["--mount=volume=v", "target=PATH"]),
                (["--volume=v,kind=host,source=relative"], ["--volume=v,kind=host,source=relative", "absolute"]),
                (["--volume=v,kind=empty", "--mount=volume=v,target=/"], ["whole root"]),
                (
                    [
                        "--volume=v,kind=empty", "--volume=w,kind=empty", "--mount=volume=v,target=/d",
                        "--mount=volume=w,target=/d/e",
                    ], ["/d/e", "inside volume"]
                ),
            ]
            // They have no meaning to another kernel.
            if TestedStage1.has(.ownKernel) {
                cases += [(socket.string, "socket"), ("/dev/null", "device")].map { source, kind in
                    (["--volume=v,kind=host,source=\(source)", "--mount=volume=v,target=/v"], [source, kind])
                }
            }
            for (flags, words) in cases {
                let outcome = try await fixture.rkt(["run"] + flags + [busybox])
                #expect(outcome.status == 254)
                #expect(outcome.output == "")
                for word in words { #expect(outcome.error.contains(word), "\(flags)") }
                #expect(try HostTraces.below(fixture.data) == [])
            }
        }
    }
}
