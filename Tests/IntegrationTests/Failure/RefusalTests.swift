// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What is refused before anything runs: one line that names the thing, and nothing left behind.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct RefusalTests {
    /// Checks how a refused command has ended.
    private func check(
        _ outcome: HostProcess.Outcome, in fixture: PodFixture, mentions words: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(outcome.status == 254, sourceLocation: sourceLocation)
        #expect(outcome.output == "", sourceLocation: sourceLocation)
        #expect(outcome.complaints.count == 1, "\(outcome.error)", sourceLocation: sourceLocation)
        for word in words {
            #expect(outcome.error.contains(word), "the message: \(outcome.error)", sourceLocation: sourceLocation)
        }
        #expect(try HostTraces.below(fixture.data) == [], sourceLocation: sourceLocation)
    }

    @Test func filesThatAreNotImages() async throws {
        try await PodFixture.with { fixture in
            func refused(_ name: String, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation)
                async throws
            {
                let path = fixture.path(name)
                let outcome = try await fixture.rkt("run", path.string)
                try check(outcome, in: fixture, mentions: [path.string] + words, sourceLocation: sourceLocation)
            }
            let whole = try FileSystem.read(BuildProducts.image("busybox"), limit: 1 << 30)
            try FileSystem.write(whole.prefix(whole.count / 2), to: fixture.path("truncated.aci"))
            try await refused("truncated.aci", "truncated")

            try await fixture.require(
                "/bin/sh",
                [
                    "-c",
                    "gzip -c '\(BuildProducts.image("busybox"))' | head -c 300000 >\(fixture.path("truncated.aci.gz"))",
                ])
            try await refused("truncated.aci.gz", "truncated")

            try FileSystem.write(Array("This is not an image.\n".utf8), to: fixture.path("text.aci"))
            try await refused("text.aci")
            try FileSystem.write([], to: fixture.path("empty.aci"))
            try await refused("empty.aci")
            try await refused("missing.aci", "No such file or directory")
            try FileSystem.makeDirectory(fixture.path("directory.aci"))
            try await refused("directory.aci", "directory")

            var tar = TarFixture()
            tar.add("rootfs", .directory)
            try FileSystem.write(tar.bytes(), to: fixture.path("no-manifest.aci"))
            try await refused("no-manifest.aci", "manifest")

            tar = TarFixture()
            tar.add("manifest", TarFixture.manifest())
            try FileSystem.write(tar.bytes(), to: fixture.path("no-root.aci"))
            try await refused("no-root.aci", "rootfs")

            tar = TarFixture.image("{\"acKind\": \"ImageManifest\",\n \"acVersion\" \"0.8.11\"}")
            try FileSystem.write(tar.bytes(), to: fixture.path("no-json.aci"))
            try await refused("no-json.aci", "line 2")

            tar = TarFixture.image(TarFixture.manifest(name: "Example.com/Upper"))
            try FileSystem.write(tar.bytes(), to: fixture.path("bad-name.aci"))
            try await refused("bad-name.aci", "name", "Example.com/Upper")

            tar = TarFixture.image(
                TarFixture.manifest(
                    extra:
                        #","app":{"exec":["relative"],"user":"0","group":"0","workingDirectory":"here"}"#
                ))
            try FileSystem.write(tar.bytes(), to: fixture.path("bad-field.aci"))
            try await refused("bad-field.aci", "app.")

            tar = TarFixture.image()
            tar.add("rootfs/../../outside", "x")
            try FileSystem.write(tar.bytes(), to: fixture.path("outside.aci"))
            try await refused("outside.aci", "outside")
            #expect(!FileSystem.exists(fixture.path("outside")))
        }
    }

    @Test(.requires(.ownNetwork)) func podsThatCannotBe() async throws {
        try await PodFixture.with { fixture in
            let busybox = BuildProducts.image("busybox").string
            func refused(_ arguments: [String], _ words: String..., sourceLocation: SourceLocation = #_sourceLocation)
                async throws
            {
                try check(
                    try await fixture.rkt(arguments), in: fixture, mentions: words, sourceLocation: sourceLocation)
            }
            try await refused(["run", busybox, "--user=stranger"], "stranger", "user not found")
            try await refused(["run", busybox, "--group=strangers"], "strangers", "group not found")
            try await refused(["run", busybox, "--user=/no/such/file"], "/no/such/file")
            try await refused(["run", busybox, busybox], "multiple apps with name busybox")
            try await refused(["run", busybox, "--name=Not A Name"], "Not A Name")
            try await refused(["run"], "must provide at least one image or specify the pod manifest")
            try await refused(["run", "--net=no-such-network", busybox], "no-such-network", "net.d")
            if TestedStage1.has(.ownKernel) { try await refused(["run", "--net=host", busybox], "--net=host") }
            try await refused(["run", "--dns=nowhere", busybox], "--dns=nowhere")
            try await refused(["run", "--port=http:80", busybox], "port name \"http\" could not be found in any apps")
            try await refused(["run", busybox, "--stdin=sideways"], "--stdin=sideways")
            try await refused(["run", busybox, "--seccomp=mode=maybe,read"], "--seccomp", "unknown mode")
            try await refused(["run", busybox, "--seccomp=mode=retain,errno=ENONSENSE,read"], "ENONSENSE")
            try await refused(
                ["run", "--interactive"] + PodFixture.busybox(":", name: "a") + PodFixture.busybox(":", name: "b"),
                "interactive")
            try await refused(["run", "--stage1-path=/no/such/stage1.aci", busybox], "/no/such/stage1.aci")
            try await refused(["run", "example.com/not-there"], "example.com/not-there")
            try await refused(["run", "sha512-0123456789abcdef"], "no image IDs found")
            try await refused(["run", "https://example.com/image.aci"], "https://example.com/image.aci")
            let noApp = fixture.path("no-app.aci")
            try FileSystem.write(
                TarFixture.image(
                    """
                    {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/no-app",\
                    "labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}]}
                    """
                ).bytes(), to: noApp)
            try await refused(["run", noApp.string], "--exec")
            let foreign = fixture.path("foreign.aci")
            try FileSystem.write(
                TarFixture.image(
                    """
                    {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/foreign",\
                    "labels":[{"name":"os","value":"linux"},{"name":"arch","value":"aarch64"}],\
                    "app":{"exec":["/x"],"user":"0","group":"0"}}
                    """
                ).bytes(), to: foreign)
            try await refused(["run", foreign.string], "aarch64")
        }
    }

    @Test func imagesWithoutASignature() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let outcome = try await fixture.spawn(
                BuildProducts.rkt, ["--dir=\(fixture.data)", "run", BuildProducts.image("busybox").string]
            ).end()
            try check(
                outcome, in: fixture,
                mentions: [BuildProducts.image("busybox").string, "signature", "--insecure-options=image"])
        }
    }

    @Test func commandLinesThatAreWrong() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            func refused(_ arguments: [String], _ message: String, sourceLocation: SourceLocation = #_sourceLocation)
                async throws
            {
                let outcome = try await fixture.rkt(arguments)
                #expect(outcome.status == 254, sourceLocation: sourceLocation)
                #expect(outcome.error.hasPrefix("Error: "), sourceLocation: sourceLocation)
                #expect(outcome.error.contains(message), "\(outcome.error)", sourceLocation: sourceLocation)
                #expect(!FileSystem.exists(fixture.data), sourceLocation: sourceLocation)
            }
            try await refused(["fly"], "unknown command \"fly\" for \"rkt\"")
            try await refused(["run", "--no-such-flag"], "--no-such-flag")
            try await refused(["run", "--exec=/bin/sh"], "--exec must follow an image")
            try await refused(["status"], "")
            try await refused(["gc", "--grace-period=soon"], "soon")
            try await refused(["--insecure-options=everything", "list"], "unknown option \"everything\"")

            let nothing = try await fixture.spawn(BuildProducts.rkt, []).end()
            #expect(nothing.status == 2)
            #expect(nothing.error == "rkt: missing command\n")
            #expect(nothing.output.contains("COMMANDS:"))
            let help = try await fixture.rkt("help", "run")
            #expect(help.status == 0)
            #expect(help.output.contains("--interactive"))
        }
    }

    @Test func dataDirectoryThatIsAFile() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            try FileSystem.write([], to: fixture.data)
            for arguments in [
                ["run", BuildProducts.image("busybox").string], ["fetch", BuildProducts.image("busybox").string],
                ["gc"],
            ] {
                let outcome = try await fixture.rkt(arguments)
                #expect(outcome.status == 254)
                #expect(outcome.complaints.count == 1)
                #expect(outcome.error.contains(fixture.data.string))
                #expect(try FileSystem.status(fixture.data).type == .regular)
            }
        }
    }

    @Test(.requires(.emulatorOfRkt)) func hypervisorThatIsNotInstalled() async throws {
        try await PodFixture.with { fixture in
            let emulator = try await fixture.rkt(
                ["run"] + PodFixture.busybox("echo ran"), environment: ["PATH": "/nonexistent"])
            try check(emulator, in: fixture, mentions: ["qemu-system-x86_64", "install"])

            // Only this command sees the server of files replaced by something that cannot be executed.
            let server = try await fixture.shell(
                """
                for file in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd /usr/libexec/qemu/virtiofsd; do
                    [ ! -e $file ] || hide="$hide mount --bind /dev/null $file &&"
                done
                run="--dir=$data --insecure-options=image run $images/busybox.aci --exec=/bin/true"
                exec unshare -m sh -c "$hide exec $rkt $run"
                """)
            try check(server, in: fixture, mentions: ["virtiofsd", "install"])

            // A prepared pod stays, so that it can be run once QEMU is there.
            let uuid = try await fixture.rkt("prepare", BuildProducts.image("busybox").string, "--exec=/bin/true")
                .output.filter { $0 != "\n" }
            let prepared = try await fixture.rkt(["run-prepared", uuid], environment: ["PATH": "/nonexistent"])
            #expect(prepared.status == 254)
            #expect(prepared.error.contains("qemu-system-x86_64"))
            #expect(try Mount.points(beneath: fixture.data) == [])
            #expect(HostTraces.processes(using: fixture.data) == [])
        }
    }

    @Test(.requires(.ownKernel)) func stage1WithoutItsKernel() async throws {
        try await PodFixture.with { fixture in
            let stage1 = try await fixture.image(from: BuildProducts.stage1.string, removing: ["vmlinux"])
            let outcome = try await fixture.rkt(["run", "--stage1-path=\(stage1)"] + PodFixture.busybox("echo ran"))
            try check(outcome, in: fixture, mentions: ["vmlinux"])
        }
    }

    @Test func importThatFillsTheDisk() async throws {
        try await PodFixture.with(seeded: false) { fixture in
            let outcome = try await fixture.shell(
                """
                mkdir $data
                exec unshare -m sh -c '
                    mount -t tmpfs -o size=6m tmpfs $data
                    gzip -c $images/redis.aci >redis.aci.gz
                    for image in $images/redis.aci redis.aci.gz; do
                        $rkt --dir=$data --insecure-options=image fetch $image && echo fetched
                        echo status $?
                    done
                    find $data -type f -size +256k
                    $rkt --dir=$data image list --no-legend
                    $rkt --dir=$data --insecure-options=image fetch $images/busybox.aci
                '
                """)
            #expect(outcome.status == 0)
            #expect(outcome.lines.filter { $0.hasPrefix("status") } == ["status 254", "status 254"])
            #expect(outcome.complaints.count == 2)
            #expect(outcome.complaints.allSatisfy { $0.contains("no space left") && $0.contains("redis.aci") })
            // Nothing of the failed imports takes space, so that a smaller image fits.
            #expect(outcome.lines.count == 3)
            #expect(outcome.lines.last?.hasPrefix("sha512-") == true)
        }
    }
}
