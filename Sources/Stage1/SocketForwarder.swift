// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Accepts connections on sockets that systemd has opened, and passes their bytes on to the pod's address.
///
/// It has a thread of its own: what it does depends on nothing else of the supervisor, and slows nothing of it down.
package final class SocketForwarder {
    private let ports: [ActivatedPorts.Element]
    private let address: IPAddress
    private let patience: Int
    private let startedAt = Clock.milliseconds
    private let stopping: (reading: FileDescriptor, writing: FileDescriptor)
    private var connections: [ForwardedConnection] = []
    private var thread = pthread_t()
    private var isRunning = false

    /// More connections wait in the sockets.
    private static let connectionLimit = 256
    /// Milliseconds for an app to listen to a connection that is made when the pod has been up for long.
    private static let appPatience = 10_000

    /// - Parameters:
    ///   - address: that of the pod.
    ///   - patience: milliseconds for the pod to start.
    package init(_ ports: [ActivatedPorts.Element], to address: IPAddress, patience: Int = 120_000) throws {
        self.ports = ports
        self.address = address
        self.patience = patience
        for port in ports { try UnixSocket.setNonBlocking(port.socket) }
        let pipe = try FileDescriptor.pipe()
        stopping = (pipe.readEnd, pipe.writeEnd)
        for end in [pipe.readEnd, pipe.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        try start()
    }

    /// Closes everything. Safe to repeat.
    package func stop() {
        guard isRunning else { return }
        isRunning = false
        try? stopping.writing.close()
        pthread_join(thread, nil)
        for port in ports { try? port.socket.close() }
        try? stopping.reading.close()
    }

    private func start() throws {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        // The thread begins with the mask of the one that starts it: signals are for the others.
        pthread_sigmask(SIG_SETMASK, &all, &before)
        // SAFETY: the thread owns a reference to this object, which it releases when it ends.
        let context = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<SocketForwarder>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, context.toOpaque())
        pthread_sigmask(SIG_SETMASK, &before, nil)
        guard result == 0 else {
            context.release()
            throw RuntimeError.systemCall("pthread_create", nil, Errno(rawValue: result))
        }
        isRunning = true
    }

    // MARK: - The thread

    private func run() {
        while turn() {}
        for connection in connections { connection.end() }
    }

    /// - Returns: false when it is to end.
    private func turn() -> Bool {
        var sources: [(FileDescriptor, Poll.Interest)] = [(stopping.reading, .read)]
        if connections.count < Self.connectionLimit { sources += ports.map { ($0.socket, .read) } }
        sources += connections.flatMap(\.sources)
        let now = Clock.milliseconds
        let timeout = connections.compactMap(\.retry).min().map { max(0, $0 - now) }
        guard let ready = try? Poll.wait(sources, timeout: timeout), !ready.contains(where: { $0.index == 0 }) else {
            return false
        }
        accept()
        for connection in connections { connection.turn() }
        connections.removeAll { $0.hasEnded }
        return true
    }

    private func accept() {
        for port in ports {
            while connections.count < Self.connectionLimit, let client = TCPSocket.accept(port.socket) {
                let deadline = max(startedAt + patience, Clock.milliseconds + Self.appPatience)
                connections.append(
                    ForwardedConnection(client: client, to: address, port: port.port, deadline: deadline))
            }
        }
    }
}
