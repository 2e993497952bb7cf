// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport

/// A pod whose apps are changed while it runs.
struct Sandbox {
    let pod: RunningPod

    private var fixture: PodFixture { pod.fixture }
    var uuid: String { pod.uuid }

    /// Runs one, and waits until it is ready.
    static func start(
        in fixture: PodFixture, _ flags: [String] = [], isolation: isolated (any Actor)? = #isolation
    ) async throws -> Sandbox {
        let file = fixture.path("uuid-of-sandbox-\(Clock.microseconds)")
        let process = try fixture.start(
            ["app", "sandbox", "--uuid-file-save=\(file)", "--net=none"] + fixture.stage1Options + flags)
        try await eventually("a pod") {
            if let text = try? FileSystem.readText(file), text.utf8.count == 36 { return true }
            guard process.isRunning else {
                throw FixtureError("the sandbox has ended before there was a pod: \(process.error)")
            }
            return false
        }
        let pod = RunningPod(fixture: fixture, process: process, uuid: try FileSystem.readText(file))
        let ready = try await fixture.rkt("status", "--wait-ready=2m", pod.uuid)
        guard ready.status == 0 else { throw FixtureError("the pod is not ready: \(ready.error)\(process.error)") }
        return Sandbox(pod: pod)
    }

    /// Runs a subcommand of `app`.
    func rkt(
        _ command: String, _ arguments: String..., isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        try await fixture.rkt(["app", command, uuid] + arguments)
    }

    /// The arguments of `app add` for a busybox app that runs a shell script.
    static func addition(
        _ name: String, _ script: String, image: String = "example.com/busybox", _ flags: [String] = []
    ) -> [String] {
        [image, "--name=\(name)"] + flags + ["--exec=/bin/sh", "--", "-c", script]
    }

    /// Adds such an app; silently, or it throws.
    func add(
        _ name: String, _ script: String, image: String = "example.com/busybox", _ flags: [String] = [],
        isolation: isolated (any Actor)? = #isolation
    ) async throws {
        let added = try await fixture.rkt(["app", "add", uuid] + Self.addition(name, script, image: image, flags))
        guard added.status == 0, added.output.isEmpty else { throw FixtureError("app add \(name): \(added.error)") }
    }

    /// Runs a subcommand for an app that has to succeed without a word.
    func change(_ command: String, _ app: String, isolation: isolated (any Actor)? = #isolation) async throws {
        let done = try await rkt(command, "--app=\(app)")
        guard done.status == 0, done.output.isEmpty else { throw FixtureError("app \(command) \(app): \(done.error)") }
    }

    /// The apps and their states, as `list` has them.
    func states(isolation: isolated (any Actor)? = #isolation) async throws -> [String] {
        let list = try await rkt("list", "--no-legend")
        guard list.status == 0 else { throw FixtureError("app list: \(list.error)") }
        return list.lines.map { $0.split(separator: "\t").joined(separator: " ") }
    }

    /// What `status` says of an app, by key.
    func status(_ app: String, isolation: isolated (any Actor)? = #isolation) async throws -> [String: String] {
        let outcome = try await rkt("status", "--app=\(app)")
        guard outcome.status == 0 else { throw FixtureError("app status: \(outcome.error)") }
        return Dictionary(
            outcome.lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Waits until an app has a state.
    func await(
        _ app: String, _ state: String, isolation: isolated (any Actor)? = #isolation
    ) async throws -> [String: String] {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(60)
        while true {
            let status = try await status(app)
            if status["state"] == state { return status }
            guard clock.now < deadline else { throw FixtureError("app \(app) is \(status), not \(state)") }
        }
    }

    /// Runs a shell script beside an app and returns what it wrote, without the last newline.
    func shell(_ script: String, app: String, isolation: isolated (any Actor)? = #isolation) async throws -> String {
        let outcome = try await rkt("exec", "--app=\(app)", "--", "/bin/sh", "-c", script)
        return String((outcome.output + outcome.error).reversed().drop { $0 == "\n" }.reversed())
    }
}
