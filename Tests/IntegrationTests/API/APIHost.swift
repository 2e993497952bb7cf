// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import FoundationEssentials
import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Who calls the service: the client of this project, or one of Python that compiles the proto or asks for it.
enum APIClient: String, CaseIterable, Sendable {
    case swift, python, reflection

    /// The program and the arguments before the method.
    func command(_ address: String, _ flags: [String]) -> (program: FilePath, arguments: [String]) {
        switch self {
        case .swift: (BuildProducts.apiClient, ["--address=\(address)"] + flags)
        case .python: (BuildProducts.pythonAPIClient, flags + [BuildProducts.protos.string, address])
        case .reflection:
            (BuildProducts.pythonAPIClient, flags + ["--reflection", BuildProducts.protos.string, address])
        }
    }

    /// Whether Python has what it needs, which is fetched the first time.
    static let hasPython: Bool = {
        guard
            let process = try? HostProcess(
                BuildProducts.pythonAPIClient, ["-", "-", "version"], environment: environment,
                log: FilePath("/tmp/rkt-api-client-\(getpid())"))
        else { return false }
        defer {
            for kind in ["out", "err"] { try? FileSystem.remove(FilePath("/tmp/rkt-api-client-\(getpid()).\(kind)")) }
        }
        return (try? process.child.wait()) == .exited(0)
    }()

    /// What the script finds its packages by.
    static var environment: [String: String] {
        ["RKT_CACHE", "XDG_CACHE_HOME", "HOME", "PIP_INDEX_URL", "https_proxy"].reduce(into: [:]) { result, name in
            if let value = getenv(name) { result[name] = String(cString: value) }
        }
    }
}

extension Trait where Self == ConditionTrait {
    static var requiresPythonAPIClient: Self {
        Requirement.trait("needs python3-venv, and grpcio from PyPI once") { APIClient.hasPython }
    }
}

/// A service that reads a test's data directory.
struct APIHost {
    let fixture: PodFixture
    let process: HostProcess
    let address: String

    /// Starts a service at a UNIX socket and waits until it serves.
    static func start(
        _ fixture: PodFixture, isolation: isolated (any Actor)? = #isolation
    ) async throws -> APIHost {
        let socket = fixture.path("api-\(Clock.microseconds).sock")
        let process = try fixture.start(["api-service", "--listen=unix:\(socket)"])
        let host = APIHost(fixture: fixture, process: process, address: "unix:\(socket)")
        try await host.awaitStart()
        return host
    }

    func awaitStart(isolation: isolated (any Actor)? = #isolation) async throws {
        try await eventually("a service") {
            if process.error.contains("api-service: API service running\n") { return true }
            guard process.isRunning else { throw FixtureError("the service has ended: \(process.error)") }
            return false
        }
    }

    /// Makes a call.
    func outcome(
        _ method: String, _ request: String = "{}", by client: APIClient = .swift,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess.Outcome {
        try await begin(method, request, by: client).end(within: .seconds(60))
    }

    /// The response to a call that has to succeed.
    func call(
        _ method: String, _ request: String = "{}", by client: APIClient = .swift,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> JSONValue {
        let outcome = try await outcome(method, request, by: client)
        guard outcome.status == 0 else { throw FixtureError("\(method): \(outcome.error)") }
        return try JSONValue(parsing: Array(outcome.output.utf8))
    }

    /// Begins a call.
    func begin(
        _ method: String, _ request: String = "{}", by client: APIClient = .swift, flags: [String] = []
    ) throws -> HostProcess {
        let (program, arguments) = client.command(address, flags)
        return try fixture.spawn(program, arguments + [method, request], environment: APIClient.environment)
    }

    /// Begins a stream and waits until the service has answered that it listens.
    func stream(
        _ method: String, _ request: String = "{}", by client: APIClient = .swift, flags: [String] = [],
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> HostProcess {
        let process = try begin(method, request, by: client, flags: flags)
        try await eventually("the beginning of \(method)") {
            if process.error.contains("listening\n") { return true }
            guard process.isRunning else { throw FixtureError("\(method): \(process.error)") }
            return false
        }
        return process
    }
}

extension HostProcess {
    /// The elements of a list in the responses of a stream, so far.
    func elements(_ name: String) -> [JSONValue] {
        let complete = output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return complete.compactMap { try? JSONValue(parsing: Array($0.utf8)) }
            .flatMap { $0.value(forKey: name)?.array ?? [] }
    }

    /// The events of a stream so far, `TYPE` or `TYPE NAME`.
    var events: [String] {
        elements("events").map { event in
            let type = String((event.text("type") ?? "").dropFirst("EVENT_TYPE_".count))
            return type + (event.text("from").map { " \($0)" } ?? "")
        }
    }
}

extension JSONValue {
    /// A text, or a number's digits: JSON of protocol buffers has large numbers as texts.
    func text(_ key: String) -> String? {
        switch value(forKey: key) {
        case .string(let text), .number(let text): text
        default: nil
        }
    }

    /// What a field of bytes holds.
    func bytes(_ key: String) -> String? {
        text(key).flatMap { Data(base64Encoded: $0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    func list(_ key: String) -> [JSONValue] { value(forKey: key)?.array ?? [] }

    /// Pairs of names and values by name.
    func pairs(_ key: String, name: String = "key") -> [String: String] {
        Dictionary(
            list(key).map { ($0.text(name) ?? "", $0.text("value") ?? "") }, uniquingKeysWith: { first, _ in first })
    }
}
