// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// One request of an entrypoint to the pod's supervisor, and its answer.
package struct LiveAppClient {
    private let socket: FileDescriptor
    private let deadline: Int
    private let patience: Int

    /// - Parameters:
    ///   - socketPath: the supervisor's socket.
    ///   - milliseconds: for the answer.
    package init(socketPath: FilePath, milliseconds: Int = 60_000) throws {
        do {
            socket = try UnixSocket.connect(socketPath)
        } catch {
            throw RuntimeError(
                .invalidState, "the pod's supervisor cannot be reached, has the pod ended?", cause: error)
        }
        patience = milliseconds
        deadline = Clock.milliseconds + milliseconds
    }

    /// Asks, waits for the answer, and closes the connection.
    ///
    /// - Throws: the reason why it has not been done.
    package func request(_ messages: [HostMessage]) throws {
        defer { try? socket.close() }
        // When the supervisor has closed the connection, why is still to be read.
        for message in messages { try? FileSystem.writeAll(message.frame.encoded, to: socket) }
        var decoder = FrameDecoder()
        while true {
            if let frame = try decoder.next() { return try answer(GuestMessage(frame)) }
            let rest = deadline - Clock.milliseconds
            guard rest > 0 else {
                throw RuntimeError(.timeout, "the pod has not answered in \(patience / 1000) seconds; try again")
            }
            guard try !Poll.wait([(socket, .read)], timeout: rest).isEmpty else { continue }
            guard case .bytes(let bytes) = socket.readAvailable() else {
                throw RuntimeError(.invalidState, "the pod ended")
            }
            decoder.append(bytes)
        }
    }

    private func answer(_ message: GuestMessage) throws {
        switch message {
        case .requestDone: return
        case .requestFailed(_, let reason): throw RuntimeError(.invalidState, reason)
        default: throw ProtocolError.unexpected("a message that is no answer")
        }
    }
}
