// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

/// Volumes at the directories where apps find files of the pod.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct CoveringVolumeTests {
    @Test(.requires(.severalApps)) func volumesLieBeneathThePodsFiles() async throws {
        try await PodFixture.with { fixture in
            let etc = fixture.path("etc"), run = fixture.path("run"), bare = fixture.path("bare")
            for directory in [etc, run, bare] { try FileSystem.makeDirectory(directory) }
            try FileSystem.write("the host's\n".utf8, to: etc.appending("hostname"))
            try FileSystem.write("x".utf8, to: run.appending("own"))
            let script = """
                cat /etc/resolv.conf | grep name; grep -c db /etc/hosts; cat /etc/hostname; ls /run
                [ -S /dev/log ] && echo log; [ -S /run/systemd/journal/socket ] && echo journal; true
                """
            let outcome = try await fixture.rkt(
                [
                    "run", "--dns=192.0.2.53", "--hosts-entry=192.0.2.1=db", "--hostname=box",
                    "--volume=etc,kind=host,source=\(etc)", "--volume=run,kind=host,source=\(run),readOnly=true",
                    "--volume=bare,kind=host,source=\(bare)",
                    "--volume=empty,kind=empty", "--volume=other,kind=empty",
                ]
                    + PodFixture.busybox(
                        script, name: "host", ["--mount=volume=etc,target=/etc", "--mount=volume=run,target=/run"])
                    + PodFixture.busybox(
                        script, name: "empty", ["--mount=volume=empty,target=/etc", "--mount=volume=other,target=/run"])
                    + PodFixture.busybox(
                        "ls -A /run; [ -S /dev/log ] && echo log; true", name: "bare",
                        ["--mount=volume=bare,target=/run"]))
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(outcome.texts(of: "host") == ["nameserver 192.0.2.53", "1", "box", "own", "log"])
            #expect(outcome.texts(of: "empty") == ["nameserver 192.0.2.53", "1", "box", "systemd", "log", "journal"])
            #expect(outcome.texts(of: "bare") == ["log"])
            // What was asked for has a place there; the rest has none.
            #expect(try FileSystem.list(etc) == ["hostname", "hosts", "resolv.conf"])
            #expect(try FileSystem.readText(etc.appending("resolv.conf")) == "")
            #expect(try FileSystem.readText(etc.appending("hostname")) == "the host's\n")
            #expect(try FileSystem.list(bare) == [])
        }
    }

    @Test(.requires(.supervisor)) func aFileThatIsAskedForIsNotLeftOutSilently() async throws {
        try await PodFixture.with { fixture in
            let etc = fixture.path("etc")
            try FileSystem.makeDirectory(etc)
            func run() async throws -> HostProcess.Outcome {
                try await fixture.rkt(
                    ["run", "--dns=192.0.2.53", "--volume=etc,kind=host,source=\(etc),readOnly=true"]
                        + PodFixture.busybox(
                            "grep name /etc/resolv.conf", name: "a", ["--mount=volume=etc,target=/etc"]))
            }
            let refused = try await run()
            #expect(refused.status == 254)
            #expect(refused.error.contains("no place for /etc/resolv.conf in the volume at /etc"))
            try FileSystem.write("nameserver 192.0.2.1\n".utf8, to: etc.appending("resolv.conf"))
            #expect(try await run().texts(of: "a") == ["nameserver 192.0.2.53"])
            #expect(try FileSystem.readText(etc.appending("resolv.conf")) == "nameserver 192.0.2.1\n")
        }
    }
}
