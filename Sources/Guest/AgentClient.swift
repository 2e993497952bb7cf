// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// What programs of the guest ask of the agent: one line over its socket, answered by one line.
package enum AgentRequest: Equatable {
    /// All apps have been started.
    case ready
    /// An app's main process ended so; the agent decides what is recorded.
    case ended(app: String, status: Int32, cause: GuestMessage.ExitCause)
    /// In a mutable pod: the app's main program is about to be executed.
    case started(app: String)
    /// Deliver the app's output and status to the host; answered when the host has them.
    case reap(app: String)
    /// The streams of an app that the agent has made; the answer carries their descriptors (`StreamEnds`).
    case streams(app: String)
    /// The guest has begun to end.
    case stopping

    package var line: String {
        switch self {
        case .ready: "ready\n"
        case .ended(let app, let status, let cause): "ended \(app) \(status) \(cause.word)\n"
        case .started(let app): "started \(app)\n"
        case .reap(let app): "reap \(app)\n"
        case .streams(let app): "streams \(app)\n"
        case .stopping: "stopping\n"
        }
    }

    package init?(line: String) {
        let words = line.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("ready", 1): self = .ready
        case ("ended", 4):
            guard let status = Int32(words[2]), let cause = GuestMessage.ExitCause(word: words[3]) else { return nil }
            self = .ended(app: words[1], status: status, cause: cause)
        case ("started", 2): self = .started(app: words[1])
        case ("reap", 2): self = .reap(app: words[1])
        case ("streams", 2): self = .streams(app: words[1])
        case ("stopping", 1): self = .stopping
        default: return nil
        }
    }
}

enum AgentClient {
    /// Sends a request and waits for its answer.
    static func request(_ request: AgentRequest) throws { try exchange(request) }

    /// Milliseconds in which the agent takes what the machine does not wait for.
    private static let patience = 2000

    /// Says that the guest ends, if somebody listens: nothing depends on it.
    static func tellStopping() { try? exchange(.stopping, within: patience) }

    /// - Parameter limit: milliseconds for the answer; nil waits without end.
    private static func exchange(_ request: AgentRequest, within limit: Int? = nil) throws {
        let socket = try UnixSocket.connect(GuestLayout.agentSocket)
        defer { try? socket.close() }
        try FileSystem.writeAll(Array(request.line.utf8), to: socket, GuestLayout.agentSocket)
        if let limit, try Poll.wait([(socket, .read)], timeout: limit).isEmpty {
            throw RuntimeError(.timeout, "the agent does not answer \(request.line.dropLast())")
        }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = try UnixSocket.receive(into: &answer, from: socket).count
        guard count > 0, answer[..<count].starts(with: Array("ok".utf8)) else {
            throw RuntimeError(.internal, "the agent refused \(request.line.dropLast())")
        }
    }
}
