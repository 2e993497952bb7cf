// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Apps that come and go while their pod runs.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct LiveAppTests {
    @Test func appsAreAddedStartedStoppedAndRemoved() async throws {
        try await PodFixture.with { fixture in
            let sandbox = try await Sandbox.start(in: fixture)
            let again = """
                if [ -e /again ]; then echo second run; exec sleep 100000; fi
                echo first run; echo x >/again; exit 3
                """
            try await sandbox.add("one", "echo one is there; exec sleep 100000")
            try await sandbox.add("two", again)
            #expect(try await sandbox.states() == ["one created", "two created"])
            try await sandbox.add("three", "trap 'exit 9' TERM; echo three is there; while :; do sleep 1 & wait; done")
            #expect(try await sandbox.states() == ["one created", "two created", "three created"])
            let created = try await sandbox.status("one")
            #expect(created["state"] == "created" && created["started_at"] == nil && created["exit_code"] == nil)
            #expect(created["image_id"]?.hasPrefix("sha512-") == true && created["created_at"] != nil)

            for app in ["one", "two", "three"] { try await sandbox.change("start", app) }
            let failed = try await sandbox.await("two", "exited")
            #expect(failed["exit_code"] == "3" && failed["finished_at"] != nil && failed["started_at"] != nil)
            #expect(try await sandbox.states() == ["one running", "two exited", "three running"])
            #expect(try await fixture.status(sandbox.uuid)["state"] == "running", "the others go on")
            #expect(try await fixture.status(sandbox.uuid)["app-two"] == "3")
            try await sandbox.pod.awaitOutput("first run")
            // On the same root.
            try await sandbox.change("start", "two")
            try await sandbox.pod.awaitOutput("second run")
            #expect(try await sandbox.await("two", "running")["exit_code"] == nil)
            // One that runs is left alone.
            try await sandbox.change("start", "one")
            #expect(try await sandbox.shell("echo $AC_APP_NAME; cat /again", app: "two") == "two\nx")

            // Stopped by a signal, or by its own will.
            try await sandbox.change("stop", "one")
            #expect(try await sandbox.status("one")["exit_code"] == "143")
            try await sandbox.change("stop", "one")
            let idle = try await sandbox.rkt("exec", "--app=one", "--", "/bin/true")
            #expect(idle.status == 254 && idle.error.contains("app \"one\" isn't currently running"))
            try await sandbox.pod.awaitOutput("three is there")
            try await sandbox.change("stop", "three")
            #expect(try await sandbox.status("three")["exit_code"] == "9")

            let logs = try await fixture.rkt("logs", "--app=two", sandbox.uuid)
            #expect(logs.output.contains("first run") && logs.output.contains("second run"))
            #expect(!logs.output.contains("one is there"))

            // One that runs is stopped first; its name is free then.
            try await sandbox.change("rm", "two")
            try await sandbox.change("rm", "three")
            #expect(try await sandbox.states() == ["one exited"])
            #expect(try await sandbox.rkt("status", "--app=two").status == 1)
            #expect(!FileSystem.exists(sandbox.pod.directory.appending("stage1/rootfs/opt/stage2/two")))
            let image = try await fixture.image(adding: ["marker": "of another image\n"])
            let fetched = try await fixture.rkt("fetch", image.string)
            let id = try #require(fetched.lines.last, "\(fetched.error)")
            try await sandbox.add("two", "exec sleep 100000", image: id)
            #expect(try await sandbox.states() == ["one exited", "two created"])
            try await sandbox.change("start", "two")
            #expect(
                try await sandbox.shell("cat /marker; ls / | grep -c again", app: "two")
                    == "of another image\n0")
            try await sandbox.change("start", "one")
            #expect(try await sandbox.states() == ["one running", "two running"])
            #expect(try await sandbox.pod.stop().status == 0)
            let status = try await fixture.status(sandbox.uuid)
            #expect(status["state"] == "exited" && status["app-one"] == "0" && status["app-two"] == "0")
            #expect(try await fixture.rkt("gc", "--grace-period=0s").status == 0)
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }

    @Test func whatCannotBeAddedLeavesNothing() async throws {
        try await PodFixture.with { fixture in
            let sandbox = try await Sandbox.start(in: fixture, ["--no-overlay=true"])
            try await sandbox.add("one", "exec sleep 100000")
            let before = try Mount.points(beneath: sandbox.pod.directory)
            for (arguments, word) in [
                (Sandbox.addition("one", "true"), "an app \"one\" already"),
                (Sandbox.addition("shutdown", "true"), "shutdown"),
                (Sandbox.addition("new", "true", image: "example.com/missing"), "example.com/missing"),
                (Sandbox.addition("new", "true", ["--user=nobody-knows"]), "nobody-knows"),
                (
                    Sandbox.addition("new", "true", ["--mnt-volume=name=v,kind=host,source=/nonexistent/v,target=/v"]),
                    "/nonexistent/v"
                ),
                (["example.com/busybox", "example.com/busybox"], "one image"),
            ] {
                let refused = try await fixture.rkt(["app", "add", sandbox.uuid] + arguments)
                #expect(refused.status == 254, "\(arguments)")
                #expect(refused.error.contains(word), "\(refused.error)")
                #expect(try Mount.points(beneath: sandbox.pod.directory) == before, "\(arguments)")
            }
            #expect(try await sandbox.states() == ["one created"])
            // A program that is not there.
            let missing = ["example.com/busybox", "--name=lost", "--exec=/no/such/program"]
            #expect(try await fixture.rkt(["app", "add", sandbox.uuid] + missing).status == 0)
            _ = try await sandbox.rkt("start", "--app=lost")
            #expect(try await sandbox.await("lost", "exited")["exit_code"] == "203")
            try await sandbox.change("rm", "lost")
            // Again and again: nothing is heaped up.
            for _ in 0..<5 {
                try await sandbox.add("guest", "true")
                try await sandbox.change("rm", "guest")
            }
            #expect(try Mount.points(beneath: sandbox.pod.directory) == before)
            #expect(try FileSystem.list(sandbox.pod.directory.appending("copies")).count == 1)
            #expect(try await sandbox.pod.stop().status == 0)
        }
    }

    @Test func volumesComeAndGoWithTheirApps() async throws {
        try await PodFixture.with { fixture in
            let data = fixture.path("host"), kept = fixture.path("kept"), single = fixture.path("single")
            for directory in [data, kept] { try FileSystem.makeDirectory(directory) }
            try FileSystem.write("from the host".utf8, to: data.appending("host"))
            try FileSystem.write("unchanged".utf8, to: kept.appending("file"))
            try FileSystem.write("one".utf8, to: single)
            let sandbox = try await Sandbox.start(in: fixture)
            try await sandbox.add(
                "a", "exec sleep 100000",
                [
                    "--volume=data,kind=host,source=\(data)", "--mount=volume=data,target=/srv/data",
                    "--mnt-volume=name=kept,kind=host,source=\(kept),readOnly=true,target=/kept",
                    "--mnt-volume=name=single,kind=host,source=\(single),target=/new/single",
                    "--mnt-volume=name=tmp,kind=empty,mode=1777,uid=5,gid=6,target=/shared",
                ])
            try await sandbox.add(
                "b", "exec sleep 100000", ["--mount=volume=data,target=/d", "--mount=volume=tmp,target=/t"])
            for app in ["a", "b"] { try await sandbox.change("start", app) }

            #expect(try await sandbox.shell("cat /srv/data/host", app: "a") == "from the host")
            #expect(try await sandbox.shell("echo guest >/d/guest; chown 12:34 /d/guest", app: "b") == "")
            #expect(try FileSystem.readText(data.appending("guest")) == "guest\n")
            #expect(try FileSystem.status(data.appending("guest")).uid == 12)
            try FileSystem.write("changed by the host".utf8, to: data.appending("host"))
            let wait =
                "for i in $(seq 100); do grep -q changed /srv/data/host && break; sleep 0.1; done; cat /srv/data/host"
            #expect(try await sandbox.shell(wait, app: "a") == "changed by the host")

            #expect(try await sandbox.shell("echo x >/kept/file", app: "a").contains("Read-only file system"))
            // On the host's side: not even the guest's root can change that.
            let force = "mount -o remount,bind,rw /kept; mount -o remount,rw /kept; echo x >/kept/file; cat /kept/file"
            #expect(try await sandbox.shell(force, app: "a").contains("unchanged"))
            #expect(try FileSystem.readText(kept.appending("file")) == "unchanged")
            #expect(try await sandbox.shell("cat /new/single; echo two >/new/single", app: "a") == "one")
            #expect(try FileSystem.readText(single) == "two\n")
            #expect(
                try await sandbox.shell("stat -c '%a %u %g' /shared; echo x >/shared/from-a", app: "a") == "1777 5 6")
            #expect(try await sandbox.shell("cat /t/from-a", app: "b") == "x")

            let other = try await fixture.rkt(
                ["app", "add", sandbox.uuid]
                    + Sandbox.addition("c", "true", ["--mnt-volume=name=data,kind=host,source=\(kept),target=/d"]))
            #expect(other.status == 254 && other.error.contains("volume \"data\" of the pod"))

            let live = sandbox.pod.directory.appending("live")
            #expect(try FileSystem.list(live).count == 3)
            try await sandbox.change("rm", "a")
            #expect(try FileSystem.list(live).count == 1, "another app has it")
            #expect(try await sandbox.shell("cat /d/host; cat /t/from-a", app: "b") == "changed by the hostx")
            try await sandbox.change("rm", "b")
            #expect(try FileSystem.list(live).isEmpty)
            #expect(try FileSystem.list(data) == ["guest", "host"], "the host's files are the host's")
            #expect(try await sandbox.pod.stop().status == 0)
            #expect(try await fixture.rkt("gc", "--grace-period=0s").status == 0)
            #expect(try HostTraces.below(fixture.data) == [])
            #expect(try FileSystem.readText(kept.appending("file")) == "unchanged")
        }
    }

    /// Whatever it was doing: the app is whole, or nobody knows it, and its name can be used.
    @Test func aKilledCommandLeavesNothingInTheWay() async throws {
        try await PodFixture.with { fixture in
            let sandbox = try await Sandbox.start(in: fixture)
            let information = sandbox.pod.directory.appending("appsinfo/one")
            // Files that appear one after the other.
            for file in ["incomplete", "tree", "created"] {
                let adding = try fixture.start(
                    ["app", "add", sandbox.uuid] + Sandbox.addition("one", "echo one is there; exec sleep 100000"))
                try await eventually("\(file) of the app, or the end") {
                    FileSystem.exists(information.appending(file)) || !adding.isRunning
                }
                adding.kill()
                let states = try await sandbox.states()
                #expect(states.isEmpty || states == ["one created"], "\(file)")
                if states.isEmpty {
                    #expect(try await sandbox.rkt("start", "--app=one").error.contains("nonexistent app"))
                }
                // Half an app can be removed, or is where it is added anew.
                if file == "created", FileSystem.exists(information) { try await sandbox.change("rm", "one") }
                if !states.isEmpty, FileSystem.exists(information) { try await sandbox.change("rm", "one") }
            }
            try await sandbox.add("one", "echo one is there; exec sleep 100000")
            try await sandbox.change("start", "one")
            try await sandbox.pod.awaitOutput("one is there")
            #expect(try await sandbox.states() == ["one running"])
            #expect(try FileSystem.list(sandbox.pod.directory.appending("overlay/apps")).count == 1)
            #expect(try await sandbox.pod.stop().status == 0)
        }
    }

    /// What is mounted has to reach the servers of a machine that runs already, and they are where it was started.
    @Test func anotherMountNamespaceIsTold() async throws {
        try await PodFixture.with { fixture in
            let sandbox = try await Sandbox.start(in: fixture)
            let words = [BuildProducts.rkt.string] + fixture.options + ["app", "add", sandbox.uuid]
            let elsewhere = try await fixture.spawn(
                "/usr/bin/unshare", ["--mount", "--propagation=private"] + words + Sandbox.addition("one", "true")
            ).end()
            #expect(elsewhere.status == 254)
            #expect(elsewhere.error.contains("another mount namespace"), "\(elsewhere.error)")
            #expect(try await sandbox.states().isEmpty)
            try await sandbox.add("one", "exec sleep 100000")
            try await sandbox.change("start", "one")
            #expect(try await sandbox.states() == ["one running"])
            #expect(try await sandbox.pod.stop().status == 0)
        }
    }
}
