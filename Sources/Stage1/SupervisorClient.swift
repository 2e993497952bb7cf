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
    var outbox = Outbox()
    private var decoder = FrameDecoder()
    /// Set when nothing more is read and the connection closes after what is queued.
    var isEnding = false

    init(socket: FileDescriptor) { self.socket = socket }

    /// Whether what the guest sent exceeds what the client has given credit for.
    var isFlooded: Bool { outbox.count > 4 * Credit.session }

    func send(_ message: GuestMessage) { outbox.append(message.frame.encoded) }

    /// The messages that have arrived, or nil when the client has gone.
    func receive() throws -> [HostMessage]? {
        switch socket.readAvailable() {
        case .nothing: return []
        case .end: return nil
        case .bytes(let bytes):
            decoder.append(bytes)
            var messages: [HostMessage] = []
            while let frame = try decoder.next() { messages.append(try HostMessage(frame)) }
            return messages
        }
    }
}
