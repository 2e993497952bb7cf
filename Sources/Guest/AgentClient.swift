// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
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
    /// Deliver the app's output and status to the host; answered when the host has them.
    case reap(app: String)
    /// The terminal of an interactive app; the answer carries its descriptor.
    case terminal(app: String)

    package var line: String {
        switch self {
        case .ready: "ready\n"
        case .ended(let app, let status, let cause): "ended \(app) \(status) \(cause.word)\n"
        case .reap(let app): "reap \(app)\n"
        case .terminal(let app): "terminal \(app)\n"
        }
    }

    package init?(line: String) {
        let words = line.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("ready", 1): self = .ready
        case ("ended", 4):
            guard let status = Int32(words[2]), let cause = GuestMessage.ExitCause(word: words[3]) else { return nil }
            self = .ended(app: words[1], status: status, cause: cause)
        case ("reap", 2): self = .reap(app: words[1])
        case ("terminal", 2): self = .terminal(app: words[1])
        default: return nil
        }
    }
}

enum AgentClient {
    /// Sends a request and waits for its answer.
    static func request(_ request: AgentRequest) throws { _ = try exchange(request) }

    static func requestTerminal(app: String) throws -> FileDescriptor {
        let descriptor = try exchange(.terminal(app: app))
        guard descriptor >= 0 else { throw RuntimeError(.notFound, "the agent has no terminal for app \(app)") }
        return FileDescriptor(rawValue: descriptor)
    }

    private static func exchange(_ request: AgentRequest) throws -> CInt {
        let socket = try UnixSocket.connect(GuestLayout.agentSocket)
        defer { try? socket.close() }
        try FileSystem.writeAll(Array(request.line.utf8), to: socket, GuestLayout.agentSocket)
        var answer = [UInt8](repeating: 0, count: 64)
        var descriptor: CInt = -1
        // SAFETY: the buffer outlives the call and its size is passed.
        let count = answer.withUnsafeMutableBytes {
            rkt_receive_descriptor(socket.rawValue, $0.baseAddress, $0.count, &descriptor)
        }
        guard count > 0, answer[..<Int(count)].starts(with: Array("ok".utf8)) else {
            throw RuntimeError(.internal, "the agent refused \(request.line.dropLast())")
        }
        return descriptor
    }
}
