// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct ExitStatusTests {
    @Test(.requires(.supervisor)) func podEndsWithTheStatusOfItsAppAndRemembersIt() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox("echo out; echo err >&2; printf 'no newline'; exit 42"))
            #expect(run.status == 42)
            #expect(run.complaints.isEmpty)
            #expect(run.foreignLines.isEmpty)
            #expect(run.texts() == ["out", "err", "no newline"])
            let lines = run.lines.compactMap { AppLine($0) }
            #expect(lines.allSatisfy { $0.app == "busybox" && $0.time > 0 && $0.pid > 1 })
            #expect(lines.map(\.time) == lines.map(\.time).sorted())

            let uuid = try #require(fixture.uuids.first)
            let text = try await fixture.rkt("status", uuid)
            #expect(
                text.lines.map { $0.prefix { $0 != "=" } }
                    == ["state", "created", "started", "networks", "pid", "exited", "app-busybox"])
            let status = try await fixture.status(uuid)
            #expect(status["state"] == "exited")
            #expect(status["exited"] == "true")
            #expect(status["app-busybox"] == "42")

            let object = try JSONValue(parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
            #expect(object.value(forKey: "name")?.string == uuid)
            #expect(object.value(forKey: "state")?.string == "exited")
            let app = try #require(object.value(forKey: "apps")?.array?.first)
            #expect(app.value(forKey: "name")?.string == "busybox")
            #expect(app.value(forKey: "state")?.string == "exited")
            #expect(app.value(forKey: "exit_code")?.int == 42)
            let times = ["created_at", "started_at", "finished_at"].compactMap { app.value(forKey: $0)?.int }
            #expect(times.count == 3)
            #expect(times == times.sorted())

            let enter = try await fixture.rkt("enter", uuid, "/bin/true")
            #expect(enter.status == 254)
            #expect(enter.complaints == ["enter: pod \"\(uuid)\" isn't currently running"])
        }
    }

    @Test(.requires(.supervisor)) func aFailingHandlerDoesNotHideTheAppsStatus() async throws {
        try await PodFixture.with { fixture in
            let manifest = TarFixture.manifest(
                extra: #","labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],"app":{"#
                    + #""exec":["/bin/sh","-c","exit 5"],"user":"0","group":"0","eventHandlers":["#
                    + #"{"name":"post-stop","exec":["/bin/sh","-c","echo handler; exit 3"]}]}"#)
            let image = try await fixture.image(manifest: manifest)
            let run = try await fixture.rkt("run", image.string, "--name=app")
            #expect(run.status == 5)
            #expect(run.texts(of: "app") == ["handler"])
            let uuid = try #require(fixture.uuids.first)
            #expect(try await fixture.status(uuid)["app-app"] == "5")
        }
    }

    @Test(arguments: [("KILL", 137), ("TERM", 143)])
    func appEndedByItsOwnSignalHasAStatusThatSaysWhich(_ signal: String, _ status: Int32) async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(["run"] + PodFixture.busybox("echo before; kill -\(signal) $$; echo after"))
            #expect(run.status == status)
            #expect(run.texts() == ["before"])
            let uuid = try #require(fixture.uuids.first)
            let recorded = TestedStage1.has(.supervisor) ? "\(status)" : nil
            #expect(try await fixture.status(uuid)["app-busybox"] == recorded)
        }
    }

    @Test(.requires(.supervisor)) func missingProgramIsNamed() async throws {
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                "run", BuildProducts.image("busybox").string, "--exec=/nope", "--", "argument")
            #expect(run.status == 203)
            #expect(run.texts() == ["Error: Unable to open \"/nope\": No such file or directory"])
            let uuid = try #require(fixture.uuids.first)
            #expect(try await fixture.status(uuid)["app-busybox"] == "203")
        }
    }

    @Test(.requires(.supervisor)) func missingInterpreterIsNamedAndNotTheProgram() async throws {
        try await PodFixture.with { fixture in
            let image = try await fixture.image(
                from: "busybox", adding: ["bin/script with space": "#!/opt/no interpreter -x\n"])
            let run = try await fixture.rkt("run", image.string, "--exec=/bin/script with space")
            #expect(run.status == 203)
            #expect(run.texts() == ["Error: Unable to open \"/opt/no\": No such file or directory"])
        }
    }
}
