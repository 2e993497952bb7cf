// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct PreparedPodTests {
    @Test func preparedPodRunsOnceAndIsRemembered() async throws {
        try await PodFixture.with { fixture in
            let file = fixture.path("uuid")
            let prepare = try await fixture.rkt(
                ["prepare", "--uuid-file-save=\(file)", "--user-annotation=who=me", "--user-label=tier=front"]
                    + PodFixture.busybox("echo ran; exit 4", name: "web"))
            #expect(prepare.status == 0)
            #expect(prepare.complaints == [])
            let uuid = try FileSystem.readText(file)
            #expect(prepare.output == uuid + "\n")
            #expect(uuid.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
            #expect(
                try await fixture.rkt("status", uuid).lines.map { $0.prefix { $0 != "=" } } == ["state", "created"])
            #expect(try await fixture.status(uuid)["state"] == "prepared")
            #expect(try Mount.points(beneath: fixture.data) == [])
            let notRunning = try await fixture.rkt("enter", uuid, "true")
            #expect(notRunning.status == 254)
            #expect(notRunning.error.contains("isn't currently running"))

            let list = try await fixture.rkt("list")
            #expect(
                list.lines.first?.split(separator: "\t") == [
                    "UUID", "APP", "IMAGE NAME", "STATE", "CREATED", "STARTED", "NETWORKS",
                ])
            #expect(list.lines.last?.hasPrefix("\(uuid.prefix(8))\tweb\texample.com/busybox:") == true)
            #expect(list.lines.last?.contains("\tprepared\t") == true)

            let manifest = try JSONValue(
                parsing: Array(await fixture.rkt("cat-manifest", String(uuid.prefix(9))).output.utf8))
            #expect(manifest.value(forKey: "acKind")?.string == "PodManifest")
            let app = try #require(manifest.value(forKey: "apps")?.array?.first)
            #expect(app.value(forKey: "name")?.string == "web")
            #expect(
                app.value(forKey: "app")?.value(forKey: "exec")?.array?.compactMap(\.string) == [
                    "/bin/sh", "-c", "echo ran; exit 4",
                ])
            #expect(manifest.value(forKey: "userAnnotations")?.value(forKey: "who")?.string == "me")
            #expect(manifest.value(forKey: "userLabels")?.value(forKey: "tier")?.string == "front")

            // Of two that want to run it, one does.
            let both = try ["--uuid-file=\(file)", uuid].map { try fixture.start(["run-prepared", $0]) }
            var outcomes: [HostProcess.Outcome] = []
            for process in both { outcomes.append(try await process.end()) }
            #expect(outcomes.map(\.status).sorted() == [4, 254])
            #expect(outcomes.first { $0.status == 4 }?.texts(of: "web") == ["ran"])
            #expect(outcomes.first { $0.status == 254 }?.error == "run-prepared: pod \"\(uuid)\" is not prepared\n")

            let status = try JSONValue(
                parsing: Array(await fixture.rkt("status", "--format=json", "--uuid-file=\(file)").output.utf8))
            #expect(status.value(forKey: "state")?.string == "exited")
            #expect(status.value(forKey: "user_annotations")?.value(forKey: "who")?.string == "me")
            #expect(status.value(forKey: "user_labels")?.value(forKey: "tier")?.string == "front")
            #expect(
                status.value(forKey: "apps")?.array?.first?.value(forKey: "exit_code")?.int
                    == (TestedStage1.has(.supervisor) ? 4 : nil))

            let remove = try await fixture.rkt("rm", "--uuid-file=\(file)")
            #expect(remove.status == 0)
            #expect(remove.output == "\"\(uuid)\"\n")
            #expect(try HostTraces.below(fixture.data) == [])
            let gone = try await fixture.rkt("status", uuid)
            #expect(gone.status == 254)
            #expect(gone.error == "status: problem retrieving pod: no matches found for \"\(uuid)\"\n")
        }
    }

    @Test func preparedPodOutlivesItsImage() async throws {
        try await PodFixture.with { fixture in
            let uuid = try await fixture.rkt(
                ["prepare", "--no-overlay=true"] + PodFixture.busybox("echo ran; cat /etc/passwd | head -n 1")
            ).output.filter { $0 != "\n" }
            let list = try await fixture.rkt("image", "list", "--fields=id", "--no-legend")
            for id in list.lines { #expect(try await fixture.rkt("image", "rm", id).status == 0) }
            #expect(try await fixture.rkt("image", "gc", "--grace-period=0s").status == 0)
            let run = try await fixture.rkt("run-prepared", uuid)
            #expect(run.status == 0)
            #expect(run.texts() == ["ran", "root:x:0:0:root:/root:/bin/sh"])
            // Without overlays nothing is mounted.
            #expect(try Mount.points(beneath: fixture.data) == [])
            // The name of the image is still known.
            #expect(try await fixture.rkt("list").output.contains("example.com/busybox:"))
        }
    }

    @Test func podsAreNamedByTheBeginningOfTheirUUID() async throws {
        try await PodFixture.with { fixture in
            var uuids: [String] = []
            for _ in 0..<3 {
                uuids.append(
                    try await fixture.rkt("prepare", BuildProducts.image("busybox").string).output.filter { $0 != "\n" }
                )
            }
            for uuid in uuids {
                let others = uuids.filter { $0 != uuid }
                let length = (1...36).first { length in !others.contains { $0.hasPrefix(uuid.prefix(length)) } } ?? 36
                #expect(try await fixture.status(String(uuid.prefix(length)))["state"] == "prepared")
                #expect(try await fixture.rkt("status", String(uuid.prefix(length)).uppercased()).status == 0)
            }
            let empty = try await fixture.rkt("status", "")
            #expect(empty.status == 254)
            #expect(empty.error.contains("UUID cannot be empty"))
            let removed = try await fixture.rkt(["rm"] + uuids)
            #expect(removed.lines == uuids.map { "\"\($0)\"" })
            #expect(try await fixture.rkt("list", "--no-legend").lines == [])
        }
    }

    @Test func garbageIsCollectedWhenItsTimeHasCome() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(["run"] + PodFixture.busybox("exit 3"))
            #expect(run.status == 3)
            let exited = try #require(fixture.uuids.first)
            let prepared = try await fixture.rkt("prepare", BuildProducts.image("busybox").string).output.filter {
                $0 != "\n"
            }
            let running = try await fixture.run(script: "exec sleep 100000")

            let mark = try await fixture.rkt("gc", "--mark-only")
            #expect(mark.status == 0)
            #expect(mark.output == "")
            #expect(mark.error == "gc: moving pod \"\(exited)\" to garbage\n")
            #expect(try await fixture.status(exited)["state"] == "exited garbage")
            #expect(try await fixture.status(exited)["app-busybox"] == (TestedStage1.has(.supervisor) ? "3" : nil))
            // The grace period is half an hour unless another one is given.
            #expect(try await fixture.rkt("gc").output == "")
            #expect(try await fixture.status(exited)["state"] == "exited garbage")

            let collect = try await fixture.rkt("gc", "--grace-period=0")
            #expect(collect.output == "Garbage collecting pod \"\(exited)\"\n")
            #expect(try await fixture.rkt("status", exited).status == 254)
            #expect(try await fixture.status(prepared)["state"] == "prepared")
            #expect(try await running.status()["state"] == "running")

            let expire = try await fixture.rkt("gc", "--expire-prepared=0s", "--grace-period=0s")
            #expect(expire.error.contains(prepared))
            #expect(try await fixture.rkt("status", prepared).status == 254)
            #expect(try await running.shell("echo alive") == "alive")
            // Without a supervisor it is the app that ends by the signal.
            #expect(try await running.stop().status == (TestedStage1.has(.supervisor) ? 0 : 143))
        }
    }

    @Test func preparingThatFailsIsSeenAndCollected() async throws {
        try await PodFixture.with { fixture in
            // The pod is made by then, and its directory is locked.
            let prepare = try await fixture.rkt(
                "prepare", "--uuid-file-save=\(fixture.path("missing/uuid"))", BuildProducts.image("busybox").string)
            #expect(prepare.status == 254)
            #expect(prepare.output == "")
            #expect(prepare.error.contains("missing/uuid"))
            let uuid = try #require(fixture.uuids.first)
            #expect(try await fixture.status(uuid)["state"] == "aborted prepare")
            let collect = try await fixture.rkt("gc", "--grace-period=0s")
            #expect(collect.error.contains("gc: moving failed prepare \"\(uuid)\" to garbage"))
            #expect(fixture.uuids == [])
        }
    }

    @Test(.requires(.supervisor)) func waitingForAPodEndsWithIt() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "trap 'exit 0' TERM; sleep 100000 & wait $!")
            let impatient = try await fixture.rkt("status", "--wait=100ms", pod.uuid)
            #expect(impatient.status == 254)
            #expect(impatient.complaints.count == 1)
            let waiting = try fixture.start(["status", "--wait", pod.uuid])
            #expect(try await pod.stop().status == 0)
            let waited = try await waiting.end(within: .seconds(20))
            #expect(waited.status == 0)
            #expect(waited.lines.contains("state=exited"))
        }
    }
}
