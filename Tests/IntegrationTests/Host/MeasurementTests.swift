// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods that are measured into a TPM of software, which each test has for itself.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires("swtpm"), .requires("tpm2_pcrread"), .requires("unshare"),
    .podLogs, .timeLimit(.minutes(5)))
struct MeasurementTests {
    /// The log of this host is not the tests'.
    private static let log: FilePath = "/run/rkt/measurements"

    /// Starts a TPM, and gives it and an empty log to all programs that are started from now on.
    ///
    /// - Returns: the option of the tools.
    private func startTPM(_ fixture: PodFixture, policy: String) async throws -> String {
        // With it goes the host's /run.
        try await fixture.leaveNetwork()
        let state = fixture.path("tpm")
        try FileSystem.makeDirectory(state, mode: 0o700)
        // The network is the test's own, and so are its ports.
        let server = "type=tcp,bindaddr=127.0.0.1,port=2321", control = "type=tcp,bindaddr=127.0.0.1,port=2322"
        _ = try fixture.startOnNetwork(
            "exec swtpm socket --tpm2 --tpmstate dir=\(state) --flags startup-clear --server \(server) --ctrl \(control)"
        )
        let tcti = "swtpm:host=127.0.0.1,port=2321"
        try fixture.configure("measurement", #""tpm":"\#(policy)","tcti":"\#(tcti)""#)
        let waiting =
            "for try in $(seq 300); do tpm2_pcrread --tcti \(tcti) sha256:15 && exit 0; sleep 0.1; done; exit 1"
        #expect(try await fixture.onNetwork(waiting).status == 0)
        return tcti
    }

    private func register(_ fixture: PodFixture, _ tcti: String) async throws -> String {
        let text = try await fixture.onNetwork("tpm2_pcrread --tcti \(tcti) sha256:15").output
        return try #require(text.split(separator: "x").last).lowercased().filter { !$0.isWhitespace }
    }

    /// What the log says that the register is.
    private func replayed(_ fixture: PodFixture) async throws -> String {
        let text = try await fixture.onNetwork("tpm2_eventlog \(Self.log)").output
        let line = try #require(text.split(separator: "\n").last { $0.contains("15 : 0x") }, "\(text)")
        return try #require(line.split(separator: "x").last).lowercased()
    }

    /// The log's events of a pod.
    private func events(_ fixture: PodFixture, of uuid: String) async throws -> [JSONValue] {
        let text = try await fixture.onNetwork("tpm2_eventlog \(Self.log)").output
        let lines = text.split(separator: "\n").filter { $0.contains("  Event: \"") }
        return try lines.map { line in
            let digits = Array(try #require(line.split(separator: "\"").dropFirst().first).utf8)
            let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
            }
            return try JSONValue(parsing: bytes)
        }.filter { $0["uuid"]?.string == uuid }
    }

    private func machine(_ fixture: PodFixture, _ uuid: String) async throws -> JSONValue {
        let status = try JSONValue(parsing: Array(await fixture.rkt("status", "--format=json", uuid).output.utf8))
        return try #require(status["machine"])
    }

    private func run(_ fixture: PodFixture, _ script: String, _ number: Int, _ flags: [String] = []) throws
        -> HostProcess
    {
        try fixture.start(
            ["run", "--net=none", "--uuid-file-save=\(fixture.path("uuid-of-\(number)"))"] + flags
                + PodFixture.busybox(script, name: "a"))
    }

    private func uuid(_ fixture: PodFixture, _ number: Int) throws -> String {
        try FileSystem.readText(fixture.path("uuid-of-\(number)")).filter { $0 != "\n" }
    }

    @Test func podsAreMeasuredInOrderAndTheLogExplainsIt() async throws {
        try await PodFixture.with { fixture in
            let tcti = try await startTPM(fixture, policy: "required")
            // Three at once.
            let processes = [
                try run(fixture, "true", 0), try run(fixture, "true", 1),
                try run(fixture, "true", 2, ["--hostname=other"]),
            ]
            for process in processes {
                let outcome = try await process.end()
                #expect(outcome.status == 0, "\(outcome.error)")
            }
            #expect(try await register(fixture, tcti) == replayed(fixture))
            var pods: [JSONValue] = []
            for number in 0..<3 {
                let uuid = try uuid(fixture, number)
                let events = try await events(fixture, of: uuid)
                #expect(events.compactMap { $0["event"]?.string } == ["pod", "machine"])
                let machine = try await machine(fixture, uuid)
                #expect(machine["measured"]?["tpm"]?.string == tcti)
                #expect(machine["measured"]?["pod"]?.string?.utf8.count == 64)
                #expect(machine["measured"]?["machine"]?.string?.utf8.count == 64)
                let told = events.map { $0.encoded() }.joined(separator: "\n")
                let event = events.last
                #expect(event?["backend"]?.string == machine["backend"]?.string, "\(told)")
                #expect(event?["kernel"]?.string == machine["digests"]?["kernel"]?.string, "\(told)")
                let program = machine["digests"]?["programs"]?[0]?["digest"]?.string
                #expect(event?["hypervisor"]?[0]?["digest"]?.string == program, "\(told)")
                pods += events.prefix(1)
            }
            // The same images and manifests; what stage1 is told holds the UUID.
            #expect(Set(pods.compactMap { $0["manifest"]?.string }).count == 1)
            #expect(Set(pods.compactMap { $0["apps"]?.encoded() }).count == 1)
            #expect(Set(pods.compactMap { $0["arguments"]?.string }).count == 3)
        }
    }

    @Test func aPodThatHasToBeMeasuredIsNotStartedWithoutATPM() async throws {
        try await PodFixture.with { fixture in
            try fixture.configure("measurement", #""tpm":"required","tcti":"device:/nonexistent/tpm""#)
            let run = try await fixture.rkt(["run"] + PodFixture.busybox("echo started", name: "a"))
            #expect(run.status == 254)
            #expect(!run.output.contains("started"))
            for word in ["measured", "\"tpm\"", "\"auto\""] { #expect(run.error.contains(word), "\(run.error)") }
            #expect(try HostTraces.below(fixture.data) == [])

            try fixture.configure("measurement", #""tpm":"auto","tcti":"device:/nonexistent/tpm""#)
            let file = fixture.path("uuid")
            let other = try await fixture.rkt(
                ["run", "--uuid-file-save=\(file)"] + PodFixture.busybox("echo started", name: "a"))
            #expect(other.status == 0, "\(other.error)")
            #expect(other.error.contains("warning: the pod is not measured"), "\(other.error)")
            let machine = try await machine(fixture, FileSystem.readText(file).filter { $0 != "\n" })
            #expect(machine["measured"]?.isNull == true)
            #expect(machine["measurementProblem"]?.string?.isEmpty == false)
        }
    }
}
