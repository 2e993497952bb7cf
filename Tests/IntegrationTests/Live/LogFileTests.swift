// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Log files of the host that annotations ask for.
@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .requires(.supervisor), .podLogs, .timeLimit(.minutes(5)))
struct LogFileTests {
    private static let name = "coreos.com/rkt/experiment/"

    private func path(_ path: String) -> [String] { ["--annotation=\(Self.name)kubernetes-log-path=\(path)"] }

    private func text(_ path: FilePath) -> String { (try? FileSystem.readText(path)) ?? "" }

    /// The texts of a file's lines by stream.
    private func texts(_ stream: String, _ paths: FilePath...) -> [String] {
        paths.flatMap { text($0).split(separator: "\n") }.compactMap { line in
            let match = String(line).wholeMatch(
                of: /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z (stdout|stderr) (.*)/)
            guard let match else { return "not a line of a log file: \(line)" }
            return match.1 == stream ? String(match.2) : nil
        }
    }

    @Test func appsOfASandboxHaveFilesThatAreRotatedAndLeadNowhereElse() async throws {
        try await PodFixture.with { fixture in
            let logs = fixture.path("logs"), outside = fixture.path("outside")
            for directory in [logs, outside] { try FileSystem.makeDirectory(directory) }
            try FileSystem.makeSymbolicLink(to: outside.string, at: logs.appending("linked"))
            let sandbox = try await Sandbox.start(
                in: fixture,
                [
                    "--annotation=\(Self.name)logmode=k8s-plain",
                    "--annotation=\(Self.name)kubernetes-log-dir=\(logs)",
                ])
            let counts = "n=0; while :; do n=$((n + 1)); echo line $n; sleep 0.2; done"
            let refused = try await fixture.rkt(
                ["app", "add", sandbox.uuid] + Sandbox.addition("out", "true", path("../out.log")))
            #expect(refused.status == 254)
            #expect(refused.error.contains("kubernetes-log-path"), "\(refused.error)")
            try await sandbox.add("talks", "echo first; echo second >&2; \(counts)", path("talks/0.log"))
            try await sandbox.add("linked", counts, path("linked/0.log"))
            try await sandbox.add("quiet", "echo of quiet; exec sleep 100000")
            for app in ["talks", "linked", "quiet"] { try await sandbox.change("start", app) }

            // Both streams, beside the journal.
            let file = logs.appending("talks").appending("0.log")
            try await eventually("lines of both streams") {
                texts("stdout", file).first == "first" && texts("stderr", file) == ["second"]
            }
            #expect(try FileSystem.status(file).mode & 0o137 == 0)
            try await sandbox.pod.awaitOutput("of quiet")
            let journal = try await fixture.rkt("logs", "--app=talks", sandbox.uuid)
            #expect(journal.lines.contains { $0.hasSuffix("second") }, "\(journal.output)")

            // Rotated by renaming: no line is lost.
            let old = logs.appending("talks").appending("0.log.1")
            try FileSystem.rename(file, to: old)
            try await eventually("the new file") { texts("stdout", file).count > 2 }
            let both = texts("stdout", old, file)
            #expect(both == ["first"] + (1..<max(1, both.count)).map { "line \($0)" })

            // A link in the way is not followed, and one line says so.
            try await eventually("the complaint") { sandbox.pod.process.error.contains("lines of app linked") }
            #expect(try FileSystem.list(outside).isEmpty)
            try FileSystem.remove(logs.appending("linked"))
            let late = logs.appending("linked").appending("0.log")
            try await eventually("lines of the other app") { texts("stdout", late).count > 1 }
            let complaints = sandbox.pod.process.error.split(separator: "\n").filter { $0.contains("linked") }
            #expect(complaints.count == 1, "\(sandbox.pod.process.error)")
            #expect(try await sandbox.states() == ["talks running", "linked running", "quiet running"])

            try await sandbox.change("rm", "linked")
            #expect(!text(late).isEmpty, "files are the host's")
            #expect(try FileSystem.list(logs) == ["linked", "talks"])
            #expect(try await sandbox.pod.stop().status == 0)
        }
    }
}
