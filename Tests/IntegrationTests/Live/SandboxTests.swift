// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods that begin without apps.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct SandboxTests {
    @Test func anEmptyPodRunsUntilItIsStopped() async throws {
        try await PodFixture.with { fixture in
            let sandbox = try await Sandbox.start(
                in: fixture, ["--user-label=a=b", "--annotation=example.com/x=y", "--hostname=box"])
            let uuid = sandbox.uuid
            #expect(try await fixture.status(uuid)["state"] == "running")
            #expect(try await sandbox.rkt("list", "--no-legend").output == "\n")
            #expect(try await sandbox.rkt("list").output == "NAME\tSTATE\n")
            let manifest = try await fixture.rkt("cat-manifest", uuid).output
            let json = try JSONValue(parsing: Array(manifest.utf8))
            let annotations = (json["annotations"]?.array ?? []).map {
                "\($0["name"]?.string ?? "")=\($0["value"]?.string ?? "")"
            }
            #expect(annotations.contains("coreos.com/rkt/stage1/mutable=true"))
            #expect(annotations.contains("example.com/x=y"))
            #expect(json["userLabels"]?["a"]?.string == "b")

            let unknown = try await sandbox.rkt("status", "--app=x")
            #expect(unknown.status == 1 && unknown.output.isEmpty)
            #expect(unknown.error.contains("nonexistent app \"x\""))
            for command in ["start", "stop", "rm"] {
                let refused = try await sandbox.rkt(command, "--app=x")
                #expect(refused.status == 254)
                #expect(refused.complaints == ["\(command): nonexistent app \"x\""])
            }
            #expect(try await fixture.status(uuid)["state"] == "running")
            #expect(try await sandbox.pod.stop().status == 0)
            #expect(try await fixture.status(uuid)["state"] == "exited")
            let late = try await sandbox.rkt("start", "--app=x")
            #expect(late.status == 254)
            #expect(late.error.contains("pod \"\(uuid)\" isn't currently running"))
            #expect(try await fixture.rkt("gc", "--grace-period=0s").status == 0)
            #expect(try HostTraces.below(fixture.data) == [])
        }
    }

    @Test(.requires(.ownKernel)) func theMachineHasTheSizeThatIsAskedFor() async throws {
        try await PodFixture.with { fixture in
            let sandbox = try await Sandbox.start(in: fixture, ["--memory=384Mi", "--cpu=1"])
            let text = try await fixture.rkt("status", "--format=json", sandbox.uuid).output
            let machine = try JSONValue(parsing: Array(text.utf8))["machine"]
            #expect(machine?["processors"]?.int == 1)
            let memory = machine?["memoryMiB"]?.int ?? 0
            #expect((384...640).contains(memory), "\(text)")
            let refused = try await fixture.rkt(
                ["app", "add", sandbox.uuid] + Sandbox.addition("large", "true", ["--memory=8Gi"]))
            #expect(refused.status == 254)
            for word in ["app \"large\" is limited to 8Gi", "\(memory) MiB", "--memory"] {
                #expect(refused.error.contains(word), "\(refused.error)")
            }
            #expect(try await sandbox.states().isEmpty)
            #expect(try await sandbox.pod.stop().status == 0)
        }
    }

    @Test func whatCannotBeIsRefused() async throws {
        try await PodFixture.with { fixture in
            for (flags, word) in [
                (["--port=http:8080"], "--port=http:8080"), (["--memory=much"], "--memory=much"),
                (["--interactive"], "interactive"), (["image"], "image"),
                (["--stage1-path=\(BuildProducts.flyStage1)"], "stage1-fly"),
            ] {
                let stage1 = word == "stage1-fly" ? [] : fixture.stage1Options
                let refused = try await fixture.rkt(["app", "sandbox", "--net=none"] + stage1 + flags)
                #expect(refused.status == 254, "\(flags)")
                #expect(refused.error.contains(word), "\(refused.error)")
            }
            #expect(try HostTraces.below(fixture.data) == [])

            let pod = try await fixture.run(script: "exec sleep 100000")
            for arguments in [
                ["add", pod.uuid, "example.com/busybox"], ["start", pod.uuid, "--app=busybox"],
                ["stop", pod.uuid, "--app=busybox"], ["rm", pod.uuid, "--app=busybox"],
            ] {
                let refused = try await fixture.rkt(["app"] + arguments)
                #expect(refused.status == 254)
                #expect(
                    refused.complaints.last
                        == "\(arguments[0]): pod \"\(pod.uuid)\" is immutable; use \"rkt app sandbox\"")
            }
            // Looking at it, and at its app, is possible.
            #expect(try await fixture.rkt("app", "list", "--no-legend", pod.uuid).output == "busybox\trunning\n")
            let entered = try await fixture.rkt("app", "exec", "--app=busybox", pod.uuid, "/bin/echo", "--app=x")
            #expect(entered.output == "--app=x\n")
            #expect(try await pod.stop().status == 0)
        }
    }
}
