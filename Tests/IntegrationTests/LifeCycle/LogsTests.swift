// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .requiresJournalRemote, .podLogs,
    .timeLimit(.minutes(5)))
struct LogsTests {
    private static let hostJournal: FilePath = "/var/log/journal"
    private static var hostKeepsAJournal: Bool {
        (try? FileSystem.status(hostJournal, followSymbolicLink: true).type) == .directory
    }

    private func machineID(_ uuid: String) -> String { uuid.filter { $0 != "-" } }

    /// What journalctl prints of the files of a pod, in its short form.
    private func journalctl(_ fixture: PodFixture, _ directory: FilePath) async throws -> [String] {
        let journal = directory.appending("journal")
        let files = try FileSystem.list(journal).filter { $0.hasSuffix(".journal") }
        #expect(!files.isEmpty)
        let arguments = files.map { "--file=\(journal.appending($0))" } + ["-o", "short", "--no-pager", "-q"]
        let outcome = try await fixture.spawn("/usr/bin/journalctl", arguments).end()
        #expect(outcome.status == 0)
        return outcome.lines
    }

    private func logs(_ fixture: PodFixture, _ uuid: String, _ flags: String...) async throws -> [String] {
        let outcome = try await fixture.rkt(["logs"] + flags + [uuid])
        #expect(outcome.status == 0)
        #expect(outcome.error == "")
        return outcome.lines
    }

    private func texts(_ lines: [String]) -> [String] {
        lines.map { line in line.firstRange(of: "]: ").map { String(line[$0.upperBound...]) } ?? line }
    }

    @Test func linesHaveTheirFieldsAndJournalctlShowsTheSame() async throws {
        func script(_ app: String) -> String {
            """
            echo \(app) plain; echo \(app) error >&2; logger -t \(app) -p user.err \(app) logged
            logger -t \(app) -p daemon.debug \(app) detail; printf 'a\\007b\\n'
            """
        }
        try await PodFixture.with { fixture in
            let run = try await fixture.rkt(
                ["run"] + PodFixture.busybox(script("web"), name: "web")
                    + PodFixture.busybox(script("log"), name: "log"))
            #expect(run.status == 0)
            #expect(run.complaints.isEmpty)
            let uuid = try #require(fixture.uuids.first)
            let directory = fixture.data.appending("pods/run").appending(uuid)

            let all = try await logs(fixture, uuid)
            // journalctl hides what is not printable, rkt shows it.
            let shown = try await journalctl(fixture, directory)
            #expect(shown.map { $0.replacing("[3B blob data]", with: "a\\x07b") } == all)
            for app in ["web", "log"] {
                let own = texts(try await logs(fixture, uuid, "--app=\(app)"))
                #expect(
                    own.sorted()
                        == ["\(app) plain", "\(app) error", "\(app) logged", "\(app) detail", "a\\x07b"].sorted())
            }
            let objects = try await logs(fixture, uuid, "--format=json").map { try JSONValue(parsing: Array($0.utf8)) }
            #expect(objects.count == all.count)
            func object(_ message: String) -> JSONValue? {
                objects.first { $0.value(forKey: "MESSAGE")?.string == message }
            }
            for (message, priority) in [("web plain", "6"), ("web logged", "3"), ("web detail", "7")] {
                let entry = object(message)
                #expect(entry?.value(forKey: "PRIORITY")?.string == priority)
                #expect(entry?.value(forKey: "SYSLOG_IDENTIFIER")?.string == "web")
                #expect(entry?.value(forKey: "_MACHINE_ID")?.string == machineID(uuid))
            }
            // journald may come too late for the unit of a process as short as logger.
            #expect(object("web plain")?.value(forKey: "_SYSTEMD_UNIT")?.string == "web.service")
            #expect(try await logs(fixture, String(uuid.prefix(13)), "--since=-1h") == all)
            #expect(try await logs(fixture, uuid, "--since=@9999999999") == [])
            let refused = try await fixture.rkt("logs", "--since=2 fortnights", uuid)
            #expect(refused.status == 254)
            #expect(refused.error.contains("\"2 fortnights\" is not a time"))
            let unknown = try await fixture.rkt("logs", "--app=mail", uuid)
            #expect(unknown.status == 254)
            #expect(unknown.error.contains("has no app \"mail\""))
        }
    }

    @Test(.requires(.emulatorOfRkt)) func killingTheMachineLosesNothingThatWasAcknowledged() async throws {
        try await PodFixture.with { fixture in
            let pod = try await fixture.run(script: "i=0; while :; do echo line $i; i=$((i + 1)); done")
            let follower = try fixture.start(["logs", "--follow", pod.uuid])
            try await eventually("followed lines", within: .seconds(60)) { follower.output.contains("line 500\n") }
            let emulator = try #require(
                HostTraces.descendants(of: pod.process.child.pid).first { $0.name == "qemu-system-x86" })
            kill(emulator.pid, SIGKILL)
            let before = follower.output.split(separator: "\n").map(String.init)
            #expect(try await pod.process.end(within: .seconds(10)).status == 250)
            let followed = try await follower.end(within: .seconds(10))
            #expect(followed.status == 0)

            let kept = texts(try await logs(fixture, pod.uuid, "--app=busybox"))
            #expect(kept.count > 500)
            #expect(kept == (0..<kept.count).map { "line \($0)" })
            // What was shown before, what `rkt run` printed and what journalctl has is all of that and no more.
            let all = try await logs(fixture, pod.uuid)
            #expect(before.dropLast().elementsEqual(all.prefix(max(0, before.count - 1))))
            #expect(followed.lines == all)
            #expect(AppLine.texts(in: pod.process.output, of: "busybox") == kept)
            #expect(try await journalctl(fixture, pod.directory) == all)
        }
    }

    @Test(Requirement.trait("needs a directory /var/log/journal") { LogsTests.hostKeepsAJournal })
    func aPodCanBeReadFromBeforeItsStartUntilItIsRemoved() async throws {
        try await PodFixture.with { fixture in
            let prepared = try await fixture.rkt(
                ["prepare", "--quiet"]
                    + PodFixture.busybox("echo up; while [ ! -e /go ]; do usleep 50000; done; echo down"))
            #expect(prepared.status == 0)
            let uuid = try #require(prepared.lines.last)
            #expect(try await logs(fixture, uuid) == [])
            let link = Self.hostJournal.appending(machineID(uuid))
            #expect(!FileSystem.exists(link))

            let file = fixture.path("uuid")
            try FileSystem.write(uuid.utf8, to: file)
            let follower = try fixture.start(["logs", "--follow", "--uuid-file=\(file)"])
            let run = try fixture.start(["run-prepared", uuid])
            try await eventually("a followed line", within: .seconds(90)) { follower.output.hasSuffix("]: up\n") }
            func merged() async throws -> [String] {
                try await fixture.spawn(
                    "/usr/bin/journalctl", ["-m", "-q", "--no-pager", "-o", "cat", "_MACHINE_ID=\(machineID(uuid))"]
                ).end().lines
            }
            // The file for journalctl is written a moment later.
            var lines: [String] = []
            let deadline = Clock.milliseconds + 10_000
            while !lines.contains("up"), Clock.milliseconds < deadline { lines = try await merged() }
            #expect(lines.contains("up"))
            #expect(try await fixture.rkt("enter", uuid, "/bin/touch", "/go").status == 0)
            #expect(try await run.end().status == 0)
            #expect(try await follower.end(within: .seconds(10)).output.hasSuffix("]: down\n"))

            let all = try await logs(fixture, uuid)
            #expect(texts(all).suffix(2) == ["up", "down"])
            let pods = fixture.data.appending("pods")
            #expect(try await fixture.rkt("gc", "--grace-period=1h").status == 0)
            let marked = pods.appending("exited-garbage").appending(uuid)
            #expect(try await logs(fixture, uuid) == all)
            if TestedStage1.has(.ownKernel) {
                let console = try await fixture.rkt("logs", "--console", uuid)
                #expect(console.lines.last?.hasSuffix("reboot: Power down") == true)
            }
            let environment = try FileSystem.readText(marked.appending("overlay/stage1/upper/rkt/env/busybox"))
            #expect(environment.split(separator: "\0").contains("AC_APP_NAME=busybox"))
            #expect(try FileSystem.readSymbolicLink(link) == marked.appending("journal").string)
            #expect(try await merged().suffix(2) == ["up", "down"])

            #expect(try await fixture.rkt("rm", uuid).status == 0)
            #expect(!FileSystem.exists(link))
            #expect(try await fixture.rkt("logs", uuid).status == 254)
        }
    }
}
