// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport

extension RunningPod {
    func startAttach(
        app: String? = nil, _ flags: [String] = [], input: HostProcess.Input = .null
    ) throws -> HostProcess {
        try fixture.start(["attach"] + (app.map { ["--app=\($0)"] } ?? []) + flags + [uuid], input: input)
    }

    func attach(
        app: String? = nil, _ flags: [String] = [], input: HostProcess.Input = .null,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        try await startAttach(app: app, flags, input: input).end(within: .seconds(60))
    }

    /// Types into an app, as a client that joins its input alone.
    func type(
        _ text: String, into app: String? = nil, mode: String = "stdin", _ flags: [String] = [],
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        try await attach(app: app, ["--mode=\(mode)"] + flags, input: .file(typed(text)))
    }

    /// A file to be typed.
    func typed(_ text: String) throws -> FilePath {
        let path = fixture.path("typed-\(Clock.microseconds)")
        try FileSystem.write(Array(text.utf8), to: path)
        return path
    }
}

extension HostProcess {
    /// Waits until it has written a text to standard output.
    func awaitOutput(_ text: String, isolation: isolated (any Actor)? = #isolation) async throws {
        try await eventually("\"\(text)\" from \(command.joined(separator: " "))") {
            if output.contains(text) { return true }
            guard isRunning else { throw FixtureError("it ended before it wrote \"\(text)\": \(error)") }
            return false
        }
    }
}
