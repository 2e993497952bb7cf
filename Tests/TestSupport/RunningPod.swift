// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// A pod that a test has started, and the `rkt run` it belongs to.
package struct RunningPod {
    package let fixture: PodFixture
    package let process: HostProcess
    package let uuid: String

    package init(fixture: PodFixture, process: HostProcess, uuid: String) {
        self.fixture = fixture
        self.process = process
        self.uuid = uuid
    }

    /// The pod's directory while it runs and until it is collected.
    package var directory: FilePath { fixture.data.appending("pods").appending("run").appending(uuid) }

    /// Runs a command in the pod's app.
    package func enter(
        app: String? = nil, _ command: [String], environment: [String: String] = [:],
        input: HostProcess.Input = .null, isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        try await startEnter(app: app, command, environment: environment, input: input).end()
    }

    package func startEnter(
        app: String? = nil, _ command: [String], environment: [String: String] = [:],
        input: HostProcess.Input = .null
    ) throws -> HostProcess {
        try fixture.start(
            ["enter"] + (app.map { ["--app=\($0)"] } ?? []) + [uuid] + command, environment: environment, input: input)
    }

    /// Runs a shell script in the pod's app and returns what it wrote, without the last newline.
    package func shell(
        _ script: String, app: String? = nil, isolation: isolated (any Actor)? = #isolation
    ) async throws -> String {
        let outcome = try await enter(app: app, ["/bin/sh", "-c", script])
        return String((outcome.output + outcome.error).reversed().drop { $0 == "\n" }.reversed())
    }

    /// Waits until an app has written a line that contains a text.
    package func awaitOutput(
        _ text: String, within limit: Duration = .seconds(90), isolation: isolated (any Actor)? = #isolation
    ) async throws {
        try await eventually("\"\(text)\" in the pod's output", within: limit) {
            if process.output.contains(text) { return true }
            guard process.isRunning else { throw FixtureError("the pod ended before it wrote \"\(text)\"") }
            return false
        }
    }

    /// Asks the pod to end and returns how `rkt run` ended.
    package func stop(isolation: isolated (any Actor)? = #isolation) async throws -> HostProcess.Outcome {
        try process.signal(15)
        return try await process.end()
    }

    package func status(isolation: isolated (any Actor)? = #isolation) async throws -> [String: String] {
        try await fixture.status(uuid)
    }
}
