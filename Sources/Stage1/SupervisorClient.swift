// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform
import SystemPackage

/// A program on the host, such as `rkt enter`, that holds one session in the guest through the supervisor, or a share of an
/// app's streams, as `rkt attach` does.
///
/// It speaks the agent's protocol with session number 0; the supervisor gives the session its number in the guest. One that
/// has come through an endpoint of an app knows nothing but bytes.
final class SupervisorClient {
    let socket: FileDescriptor
    /// Number in the guest once the session has been asked for.
    var session: UInt32?
    /// What the client asked for before the agent could be told.
    var waiting: HostMessage.Session?
    /// Whether it changes the apps of a mutable pod, and holds no session.
    var isChanging = false
    /// Whether the change has been asked for.
    var hasAsked = false
    /// What has come of the app to add.
    var parts = LiveAppParts()
    /// Whether the guest has said that the session runs.
    var hasStarted = false
    var input = CreditAccount(limit: Credit.session)
    var output = CreditAccount(limit: Credit.session)
    var outbox = Outbox()
    private var decoder = FrameDecoder()
    /// Set when nothing more is read and the connection closes after what is queued.
    var isEnding = false
    /// Its share of an app's streams.
    var attachment: Attachment?
    /// What it wants to share once the streams are there.
    var awaited: AttachRequest?
    /// Whether it speaks no protocol.
    let isRaw: Bool
    /// Tells clients apart, in the order in which they came.
    let number: Int
    /// Whether one that is raw says no more.
    var inputEnded = false
    /// Whether the other end of one that is raw is closed, with input perhaps still to be read.
    var hasHungUp = false
    /// Whether one that is raw takes no output any more.
    var outputIsClosed = false
    /// Whether it has gone and left input behind, which is still passed on.
    var hasLeft = false

    init(socket: FileDescriptor, number: Int = 0, isRaw: Bool = false) {
        self.socket = socket
        self.number = number
        self.isRaw = isRaw
    }

    /// Whether what it says next has to wait.
    var isWaiting: Bool { waiting != nil || awaited != nil }

    /// Whether it may be listened to.
    var isHeard: Bool { !isEnding && !isWaiting && !inputEnded && (!isRaw || input.rest > 0) }

    /// Whether it can say or take anything. What has hung up would be ready for ever.
    var isPolled: Bool { !hasLeft && !(hasHungUp && input.rest == 0) }

    /// How many bytes of output it takes now.
    var room: Int {
        guard isRaw else { return output.rest }
        return outputIsClosed ? 0 : max(0, Credit.session - outbox.count)
    }

    /// Whether what waits is more than frames within the credit, even small ones, come to.
    var isFlooded: Bool { outbox.count > 32 * Credit.session }

    func send(_ message: GuestMessage) { outbox.append(message.frame.encoded) }

    /// Whether all that it still waits for is kept by the supervisor.
    func isAttachedToEnd(_ phase: Supervisor.Phase) -> Bool {
        guard let attachment else { return false }
        return phase == .ending || !attachment.streams.isOpen
    }

    /// Ends the connection once the reason has been sent.
    func fail(_ reason: String) {
        guard !isEnding else { return }
        if isChanging {
            send(.requestFailed(request: 0, reason))
        } else if !isRaw {
            send(.sessionFailed(session: 0, reason))
        }
        session = nil
        waiting = nil
        awaited = nil
        attachment = nil
        isEnding = true
    }

    /// Ends the connection of one whose change has been made.
    func finish() {
        guard !isEnding else { return }
        send(.requestDone(request: 0))
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
        guard !isWaiting, !isEnding else { return nil }
        return try decoder.next().map { try HostMessage($0) }
    }
}
