// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct StopTests {
    @Test func terminationSignalStopsAppsInOrder() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(
                script: "trap 'echo handling; exit 3' TERM; sleep 98765 & echo up; wait $!")
            try await pod.awaitOutput("up")
            let run = try await pod.stop()
            #expect(run.status == 0)
            #expect(run.complaints.isEmpty)
            #expect(run.texts() == ["up", "handling"])
            let status = try await pod.status()
            #expect(status["state"] == "exited")
            #expect(status["app-busybox"] == "0")
        }
    }

    @Test func secondRequestKillsAPodThatDoesNotStop() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "trap 'echo not now' TERM; echo up; while :; do sleep 1; done")
            try await pod.awaitOutput("up")
            try pod.process.signal(15)
            try await pod.awaitOutput("not now")
            try pod.process.signal(15)
            let run = try await pod.process.end(within: .seconds(5))
            #expect(run.status == 137)
            #expect(run.complaints.count == 1)
            let status = try await pod.status()
            #expect(status["state"] == "exited")
            #expect(status["app-busybox"] == nil)
        }
    }

    @Test func stopCommandWaitsForNothingAndIsRepeatable() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(
                script: "trap 'echo handling; exit 0' TERM; sleep 98765 & echo up; wait $!")
            try await pod.awaitOutput("up")
            let running = try await fixture.rkt("rm", pod.uuid)
            #expect(running.status == 254)
            #expect(running.error.contains("pod \"\(pod.uuid)\" is currently running"))

            let stop = try await fixture.rkt("stop", String(pod.uuid.prefix(8)))
            #expect(stop.status == 0)
            #expect(stop.output == "\"\(pod.uuid)\"\n")
            let run = try await pod.process.end()
            #expect(run.status == 0)
            #expect(run.texts() == ["up", "handling"])

            let again = try await fixture.rkt("stop", pod.uuid)
            #expect(again.status == 0)
            #expect(again.error.contains("pod \"\(pod.uuid)\" is already stopped"))
            let unknown = try await fixture.rkt("stop", "00000000-aaaa")
            #expect(unknown.status == 254)
            #expect(unknown.error.contains("no matches found for \"00000000-aaaa\""))
        }
    }

    @Test func aPodThatIsStartingIsStoppedToo() async throws {
        try await PodFixture.with { fixture in
            let file = fixture.path("starting")
            let process = try fixture.start(
                ["run", "--uuid-file-save=\(file)"] + PodFixture.busybox("sleep 98765"))
            // From the moment the pod runs, long before its machine does.
            var uuid = ""
            try await eventually("a pod") {
                uuid = (try? FileSystem.readText(file)) ?? ""
                return uuid.utf8.count == 36
            }
            while try await fixture.status(uuid)["state"] != "running" {}
            let stop = try await fixture.rkt("stop", uuid)
            #expect(stop.status == 0)
            #expect(stop.output == "\"\(uuid)\"\n")
            let run = try await process.end()
            #expect(run.status == 0)
            #expect(run.complaints.isEmpty)
            #expect(try await fixture.status(uuid)["state"] == "exited")
        }
    }

    @Test func forcedStopDoesNotAskTheApps() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(
                script: "trap 'echo handling; exit 0' TERM; sleep 98765 & echo up; wait $!")
            try await pod.awaitOutput("up")
            let stop = try await fixture.rkt("stop", "--force", pod.uuid)
            #expect(stop.status == 0)
            let run = try await pod.process.end(within: .seconds(10))
            #expect(run.status == 137)
            #expect(run.texts() == ["up"])
            #expect(try await pod.status()["state"] == "exited")
        }
    }
}
