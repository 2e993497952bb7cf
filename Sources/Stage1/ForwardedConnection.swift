// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// A connection that somebody has made to a socket of the host, and the one to the pod that its bytes go to.
final class ForwardedConnection {
    private let client: FileDescriptor
    private let address: IPAddress
    private let port: Int
    /// Until when the pod may refuse.
    private let deadline: Int
    private var server: FileDescriptor?
    private var isConnected = false
    private var nextAttempt = 0
    private var upward = Direction()
    private var downward = Direction()
    /// Nothing more is to be done: both descriptors are closed.
    private(set) var hasEnded = false

    /// Bytes that wait for one side before the other is not read any more.
    private static let bufferLimit = 64 << 10
    private static let retryInterval = 200

    /// What goes one way.
    private struct Direction {
        var outbox = Outbox()
        /// Whether its source has sent its last byte, and whether the target has been told.
        var isAtEnd = false
        var isShut = false

        var wantsRead: Bool { !isAtEnd && outbox.count < ForwardedConnection.bufferLimit }
    }

    /// - Parameter client: non-blocking; closed at the end.
    init(client: FileDescriptor, to address: IPAddress, port: Int, deadline: Int) {
        self.client = client
        self.address = address
        self.port = port
        self.deadline = deadline
    }

    /// What to wait for.
    var sources: [(FileDescriptor, Poll.Interest)] {
        guard let server else { return [] }
        guard isConnected else { return [(server, .write)] }
        var result: [(FileDescriptor, Poll.Interest)] = []
        for (descriptor, from, to) in [(client, upward, downward), (server, downward, upward)] {
            var interest: Poll.Interest = []
            if from.wantsRead { interest.insert(.read) }
            if !to.outbox.isEmpty { interest.insert(.write) }
            if !interest.isEmpty { result.append((descriptor, interest)) }
        }
        return result
    }

    /// When the pod is to be asked again; nil when it has been asked.
    var retry: Int? { server == nil ? nextAttempt : nil }

    /// Does what can be done without waiting.
    func turn() {
        guard !hasEnded else { return }
        if !isConnected { connect() }
        guard isConnected, let server else { return }
        guard pass(&upward, client, server), pass(&downward, server, client) else { return end() }
        if upward.isShut, downward.isShut { end() }
    }

    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        try? client.close()
        try? server?.close()
    }

    // MARK: -

    private func connect() {
        if let server {
            guard let ready = try? Poll.wait([(server, .write)], timeout: 0), !ready.isEmpty else { return }
            var error: CInt = 0
            var length = socklen_t(MemoryLayout<CInt>.size)
            // SAFETY: error and length live during the call, and length is the size of error.
            guard getsockopt(server.rawValue, SOL_SOCKET, SO_ERROR, &error, &length) == 0, error == 0 else {
                return tryLater()
            }
            isConnected = true
            return
        }
        guard Clock.milliseconds >= nextAttempt else { return }
        guard let socket = try? TCPSocket.connect(to: address, port: port) else { return tryLater() }
        server = socket
    }

    /// The pod may not have started, or its app may not listen yet.
    private func tryLater() {
        try? server?.close()
        server = nil
        nextAttempt = Clock.milliseconds + Self.retryInterval
        if nextAttempt > deadline { end() }
    }

    /// - Returns: false when one of the two is gone.
    private func pass(_ direction: inout Direction, _ source: FileDescriptor, _ target: FileDescriptor) -> Bool {
        if direction.wantsRead {
            switch source.readAvailable() {
            case .nothing: break
            case .end: direction.isAtEnd = true
            case .bytes(let bytes): direction.outbox.append(bytes)
            }
        }
        if case .closed = direction.outbox.flush(to: target) { return false }
        if direction.isAtEnd, direction.outbox.isEmpty, !direction.isShut {
            direction.isShut = true
            _ = shutdown(target.rawValue, CInt(SHUT_WR))
        }
        return true
    }
}
