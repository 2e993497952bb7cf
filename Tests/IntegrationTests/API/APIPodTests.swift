// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What the service tells of pods that run.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct APIPodTests {
    /// Runs a pod to its end and compares what a client hears with what the commands say.
    private func follow(by client: APIClient) async throws {
        try await PodFixture.with { fixture in
            let host = try await APIHost.start(fixture)
            let listener = try await host.stream("ListenEvents", by: client)
            let release = fixture.path("release")
            try FileSystem.makeDirectory(release)
            let pod = try await fixture.run(
                ["--volume=go,kind=host,source=\(release)", "--mount=volume=go,target=/go"]
                    + PodFixture.busybox(
                        "echo one; echo two >&2; while [ ! -e /go/now ]; do sleep 0.2; done; echo three; exit 3",
                        name: "web"))
            try await eventually("the start of the pod") { listener.events.contains("APP_STARTED web") }
            try await pod.awaitOutput("one")

            let status = try JSONValue(
                parsing: Array(await fixture.rkt("status", "--format=json", pod.uuid).output.utf8))
            let shown = try #require(try await host.call("InspectPod", #"{"id":"\#(pod.uuid)"}"#, by: client)["pod"])
            #expect(shown.text("state") == "POD_STATE_RUNNING")
            #expect(shown.text("pid") == (try await pod.status())["pid"])
            #expect((shown.text("started_at") ?? "").dropLast(9) == status.text("started_at") ?? "-")
            #expect(shown.text("gc_marked_at").map { Int($0) ?? 0 } ?? 0 == 0)
            let group = try FileSystem.readText(FilePath("/proc/\(shown.text("pid") ?? "self")/cgroup"))
            #expect(group.split(separator: "\n").contains { $0.hasSuffix(":\(shown.text("cgroup") ?? "-")") })
            let app = try #require(shown.list("apps").first)
            #expect(app.text("state") == "APP_STATE_RUNNING")
            #expect(app.text("started_at") == status.list("apps").first?.text("started_at"))
            let filter = #"{"filters":[{"cgroups":["\#(shown.text("cgroup") ?? "")"],"states":["POD_STATE_RUNNING"]}]}"#
            #expect(try await host.call("ListPods", filter, by: client).list("pods").count == 1)

            // Lines that are there, and those that come, to the end of the pod.
            let follower = try await host.stream(
                "GetLogs", #"{"pod_id":"\#(pod.uuid)","app_name":"web","follow":true}"#, by: client)
            try await eventually("the first lines") { follower.elements("lines").count >= 2 }
            try FileSystem.write([], to: release.appending("now"))
            #expect(try await pod.process.end().status == 3)
            #expect(try await follower.end(within: .seconds(30)).status == 0)
            #expect(Set(follower.elements("lines").compactMap(\.string)) == ["one", "two", "three"])
            let last = try await host.stream(
                "GetLogs", #"{"pod_id":"\#(pod.uuid)","app_name":"web","lines":1}"#, by: client)
            #expect(try await last.end(within: .seconds(30)).status == 0)
            #expect(last.elements("lines").compactMap(\.string) == ["three"])

            try await eventually("the end of the pod") { listener.events.contains("POD_EXITED") }
            let ended = try #require(try await host.call("InspectPod", #"{"id":"\#(pod.uuid)"}"#, by: client)["pod"])
            #expect(ended.text("state") == "POD_STATE_EXITED")
            #expect(ended.list("apps").first?.text("exit_code") == "3")
            #expect(ended.text("cgroup") ?? "" == "")
            #expect(try await fixture.rkt("rm", pod.uuid).status == 0)
            try await eventually("its removal") { listener.events.contains("POD_GARBAGE_COLLECTED") }
            #expect(
                listener.events == [
                    "POD_STARTED", "APP_STARTED web", "APP_EXITED web", "POD_EXITED", "POD_GARBAGE_COLLECTED",
                ])
            let exit = listener.elements("events").first { $0.text("type") == "EVENT_TYPE_APP_EXITED" }
            #expect(exit?.pairs("data") == ["exit_code": "3"])
            #expect(exit?.text("id") == pod.uuid)
        }
    }

    @Test func aPodIsToldFromItsStartToItsRemoval() async throws { try await follow(by: .swift) }

    @Test(.requiresPythonAPIClient) func programsInPythonHearTheSame() async throws {
        try await follow(by: .reflection)
    }

    @Test(.requires(.ownKernel)) func aKilledSupervisorIsToldAndAReaderThatSleepsHoldsNobodyUp() async throws {
        try await PodFixture.with { fixture in
            let host = try await APIHost.start(fixture)
            let listener = try await host.stream("ListenEvents")
            let pod = try await fixture.run(
                script: "i=0; while [ $i -lt 5000 ]; do echo \"line $i of many that fill windows and queues\"; "
                    + "i=$((i + 1)); done; exec sleep 100000")
            try await pod.awaitOutput("line 4999 ")
            let sleeper = try await host.stream("GetLogs", #"{"pod_id":"\#(pod.uuid)"}"#)
            // It reads nothing more from here on.
            try sleeper.signal(SIGSTOP)
            let all = try await host.stream("GetLogs", #"{"pod_id":"\#(pod.uuid)","app_name":"busybox"}"#)
            #expect(try await all.end(within: .seconds(60)).status == 0)
            let lines = all.elements("lines").compactMap(\.string)
            #expect(lines == (0..<5000).map { "line \($0) of many that fill windows and queues" })

            #expect(kill(pod.process.child.pid, SIGKILL) == 0)
            try await eventually("the end of the pod") { listener.events.contains("POD_EXITED") }
            #expect(listener.events.suffix(2) == ["APP_EXITED busybox", "POD_EXITED"])
            sleeper.killAll()
        }
    }
}
