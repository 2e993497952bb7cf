// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform
import SystemPackage

/// A program on the host, such as `rkt enter`, that holds one session in the guest through the supervisor.
///
/// It speaks the agent's protocol with session number 0; the supervisor gives the session its number in the guest.
final class SupervisorClient {
    let socket: FileDescriptor
    /// Number in the guest once the session has been asked for.
    var session: UInt32?
    /// What the client asked for before the agent could be told.
    var waiting: HostMessage.Session?
    /// Whether the guest has said that the session runs.
    var hasStarted = false
    var input = CreditAccount(limit: Credit.session)
    var output = CreditAccount(limit: Credit.session)
    var outbox = Outbox()
    private var decoder = FrameDecoder()
    /// Set when nothing more is read and the connection closes after what is queued.
    var isEnding = false

    init(socket: FileDescriptor) { self.socket = socket }

    /// Whether what waits is more than frames within the credit, even small ones, come to.
    var isFlooded: Bool { outbox.count > 32 * Credit.session }

    func send(_ message: GuestMessage) { outbox.append(message.frame.encoded) }

    /// Ends the connection once the reason has been sent.
    func fail(_ reason: String) {
        guard !isEnding else { return }
        send(.sessionFailed(session: 0, reason))
        session = nil
        waiting = nil
        isEnding = true
    }

    /// Takes in what has arrived.
    ///
    /// - Returns: false when the client has gone.
    func receive() -> Bool {
        switch socket.readAvailable() {
        case .nothing: return true
        case .end: return false
        case .bytes(let bytes):
            decoder.append(bytes)
            return true
        }
    }

    /// The next message that has arrived; none while the agent has not been told of the session.
    func next() throws -> HostMessage? {
        guard waiting == nil, !isEnding else { return nil }
        return try decoder.next().map { try HostMessage($0) }
    }
}
