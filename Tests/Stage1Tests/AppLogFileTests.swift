// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import LinuxPlatform
import PodJournal
import PodStore
import Stage1
import SystemPackage
import TestSupport
import Testing

/// Log files of the host that annotations ask for.
@Suite(.timeLimit(.minutes(5)))
struct AppLogFileTests {
    private static let time = "2026-01-02T15:04:05.000000000Z"

    private func logs(_ pod: SupervisedPod) -> FilePath { pod.layout.directory.appending("logs") }

    private func text(_ path: FilePath) -> String { (try? FileSystem.readText(path)) ?? "" }

    private func error(_ text: String) -> JournalEntry {
        var entry = JournalEntry.line(of: "web", text)
        entry.fields.insert(Array("SYSLOG_FACILITY=16".utf8), at: 1)
        return entry
    }

    private func finish(_ pod: SupervisedPod) async throws {
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        while try await pod.hear() != .exitRecorded(app: "web", run: 0) {}
        #expect(try await pod.end().status == 0)
    }

    /// Says lines until a file is there, as paths are looked at only now and then.
    private func talk(_ pod: SupervisedPod, until file: FilePath) async throws {
        try await eventually("\(file)") {
            try pod.say(.entry(.line(of: "web", "more")))
            return !text(file).isEmpty
        }
    }

    // MARK: - Files

    @Test func bothStreamsAreToldApart() async throws {
        let pod = try SupervisedPod(apps: ["web", "db"], logPath: "some/where/0.log")
        try pod.connectAgent()
        try pod.say(.entry(.line(of: "web", "one")))
        try pod.say(.entry(error("two")))
        try pod.say(.entry(.line(of: "other", "of the guest")))
        let file = logs(pod).appending("some").appending("where").appending("0.log")
        let expected = "\(Self.time) stdout one\n\(Self.time) stderr two\n"
        try await eventually("both lines") { text(file) == expected }
        #expect(try FileSystem.status(file).mode & 0o137 == 0, "0640, or less by the process's mask")
        // All of it is in the journal, too.
        let reader = JournalReader(JournalDirectory(pod.layout.journal))
        #expect(try reader.next()?.text(of: "MESSAGE") == "one")
        try pod.say(.appExit(app: "db", status: 0, cause: .exited))
        try await finish(pod)
        #expect(text(file) == expected)
        #expect(pod.complaints == "")
    }

    @Test func noMessagePassesForMoreThanItIs() {
        let entry = error("one\n2000-01-01T00:00:00.000000000Z stdout forged")
        let lines = String(decoding: LogFileLine.lines(of: entry), as: UTF8.self)
        #expect(lines == "\(Self.time) stderr one\n\(Self.time) stderr 2000-01-01T00:00:00.000000000Z stdout forged\n")
        let late = JournalEntry.line(of: "web", "", at: 1_767_366_245_000_042)
        #expect(
            String(decoding: LogFileLine.lines(of: late), as: UTF8.self)
                == "2026-01-02T15:04:05.000042000Z stdout \n")
    }

    @Test func aFileThatWasRenamedIsMadeAnew() async throws {
        let pod = try SupervisedPod(logPath: "0.log")
        try pod.connectAgent()
        let file = logs(pod).appending("0.log"), old = logs(pod).appending("0.log.1")
        try pod.say(.entry(.line(of: "web", "before")))
        try await eventually("the first line") { !text(file).isEmpty }
        try FileSystem.rename(file, to: old)
        try await talk(pod, until: file)
        #expect(text(old).hasPrefix("\(Self.time) stdout before\n"))
        #expect(!text(file).contains("before"))
        try await finish(pod)
        #expect(pod.complaints == "")
    }

    @Test func linksAreNotFollowed() async throws {
        let pod = try SupervisedPod(logPath: "web/0.log")
        let outside = pod.layout.directory.appending("outside")
        for directory in [outside, logs(pod)] { try FileSystem.makeDirectories(directory) }
        let link = logs(pod).appending("web")
        try FileSystem.makeSymbolicLink(to: outside.string, at: link)
        try pod.connectAgent()
        try pod.say(.entry(.line(of: "web", "one")))
        try await pod.awaitComplaint("lines of app web are only in the pod's journal")
        #expect(try FileSystem.list(outside).isEmpty)
        // Once it is out of the way, lines are written; a link in the file's own place is none, either.
        try FileSystem.remove(link)
        try FileSystem.makeDirectories(link)
        let file = link.appending("0.log"), other = outside.appending("other")
        try FileSystem.write([], to: other)
        try FileSystem.makeSymbolicLink(to: other.string, at: file)
        for number in 0..<20 { try pod.say(.entry(.line(of: "web", "\(number)"))) }
        try FileSystem.remove(file)
        try await talk(pod, until: file)
        #expect(text(other) == "")
        try await finish(pod)
        #expect(pod.complaints.split(separator: "\n").count == 1)
    }

    @Test func anAppThatIsAddedNamesItsFile() async throws {
        let pod = try SupervisedPod(apps: ["web"], isMutable: true, logPath: "live.log")
        try pod.connectAgent()
        var app = PodConfiguration.App(name: "web", root: "/opt/stage2/.live/1", exec: ["/bin/web"])
        app.marksErrors = true
        let client = try pod.connect()
        for message in LiveApp(app: app, files: []).messages(request: 0) { try pod.send(message, from: client) }
        _ = try await pod.hear()
        guard case .addApp(let number) = try await pod.hear() else {
            Issue.record("the guest is not told that the app is complete")
            return
        }
        try pod.say(.requestDone(request: number))
        try pod.say(.entry(error("one")))
        let file = logs(pod).appending("live.log")
        try await eventually("the line") { text(file) == "\(Self.time) stderr one\n" }
        #expect(try await pod.end().status == 0)
    }

    // MARK: - Plans

    private func planned(
        mode: String? = "k8s-plain", directory: String? = "/var/log/pods", path: String? = nil,
        imagePath: String? = nil
    ) throws -> PlannedPod {
        let name = "coreos.com/rkt/experiment/"
        let member = { (value: String) in #"{"name":"\#(name)kubernetes-log-path","value":"\#(value)"}"# }
        let pod = try PlannedPod(
            appAnnotations: path.map { [member($0)] } ?? [], imageAnnotations: imagePath.map { [member($0)] } ?? [])
        var manifest = try PodManifest(parsing: FileSystem.read(pod.layout.manifest))
        for (key, value) in [("logmode", mode), ("kubernetes-log-dir", directory)] {
            if let value { manifest.annotations.set(try ACIdentifier(parsing: name + key), value) }
        }
        try FileSystem.write(manifest.encoded().utf8, to: pod.layout.manifest)
        return pod
    }

    private func marksErrors(_ pod: PlannedPod) throws -> Bool {
        try #require(pod.plan().configuration.apps.first).marksErrors
    }

    @Test func thePodsManifestDecides() throws {
        #expect(try marksErrors(planned(path: "a/0.log")))
        #expect(try !marksErrors(planned()))
        #expect(try !marksErrors(planned(imagePath: "a/0.log")), "what an image says does not count")
        #expect(try !marksErrors(planned(mode: nil, path: "a/0.log")))
    }

    @Test(arguments: ["/etc/passwd", "../0.log", "a/../../0.log", "", "."])
    func pathsThatLeadElsewhereAreRefused(path: String) throws {
        let pod = try planned(path: path)
        let error = #expect(throws: RuntimeError.self) { try pod.plan() }
        #expect(error?.message.contains("kubernetes-log-path") == true)
    }

    @Test(arguments: [("json", "/logs"), ("k8s-plain", nil), ("k8s-plain", "logs"), ("k8s-plain", "/var/../etc")])
    func whatCannotBeDoneForAPodIsRefused(mode: String, directory: String?) throws {
        let pod = try planned(mode: mode, directory: directory)
        let error = #expect(throws: RuntimeError.self) { try pod.plan() }
        #expect(error?.message.contains("coreos.com/rkt/experiment/") == true)
    }

    @Test func anAppThatNothingSupervisesHasNone() throws {
        let plan = try planned(path: "0.log").plan(["--net=host"], capabilities: [.hostNetwork, .preservesExitStatus])
        #expect(plan.warnings.contains { $0.contains("log files") })
    }
}

extension SupervisedPod {
    /// The manifest of a pod whose apps have log files.
    static func writeManifest(_ layout: PodLayout, logs: FilePath, _ path: String, of apps: [String]) throws {
        let digest = "sha512-" + String(repeating: "0", count: 128)
        let name = "coreos.com/rkt/experiment/"
        let members = apps.map {
            #"{"name":"\#($0)","image":{"id":"\#(digest)"},"#
                + #""annotations":[{"name":"\#(name)kubernetes-log-path","value":"\#(path)"}]}"#
        }
        let manifest = """
            {"acKind":"PodManifest","acVersion":"0.8.11","apps":[\(members.joined(separator: ","))],
             "annotations":[{"name":"\(name)logmode","value":"k8s-plain"},
              {"name":"\(name)kubernetes-log-dir","value":"\(logs)"}]}
            """
        try FileSystem.write(manifest.utf8, to: layout.manifest)
    }
}
