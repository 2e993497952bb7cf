// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform
import SystemPackage

/// The streams of an app that its clients share: what it wrote last, and whose input it has not taken yet.
final class AppStreams {
    enum State: Equatable {
        /// Until the guest has made them.
        case starting
        case running
        case ended(status: Int32)
        case failed(String)
    }

    /// A socket for programs that know nothing but bytes.
    struct Endpoint {
        let name: String
        let targets: AttachTargets
        let listener: FileDescriptor
    }

    let app: PodConfiguration.App
    /// The session's number in the guest.
    let session: UInt32
    var state = State.starting
    var rings: [GuestMessage.Stream: StreamRing]
    /// What the guest may still send; it comes back as soon as it is in a ring.
    var output = CreditAccount(limit: Credit.session)
    /// Input on its way to the app.
    var input = CreditAccount(limit: Credit.session)
    /// Whose input that is, and how much, in order.
    var writers = Queue<(client: SupervisorClient, bytes: Int)>()
    /// The client whose turn it was last.
    var lastWriter = 0
    /// Whether the pipe that is standard input can still be written to.
    var inputIsOpen = true
    /// Window of the app's terminal; that of the client that has told its own last.
    var size = TerminalSize(rows: 24, columns: 80)
    var endpoints: [Endpoint] = []
    /// Whether they were ended without the guest.
    var isClosed = false

    /// Whether the guest has them, as far as is known.
    var isOpen: Bool { state == .starting || state == .running }

    init(_ app: PodConfiguration.App, session: UInt32) {
        self.app = app
        self.session = session
        rings = [:]
        if app.output == .stream { rings[.output] = StreamRing() }
        if app.error == .stream { rings[.error] = StreamRing() }
        if app.hasOwnTerminal { rings[.terminal] = StreamRing() }
    }

    /// What can be attached to now.
    var targets: AttachTargets {
        var targets: AttachTargets = []
        if app.input == .stream, inputIsOpen { targets.insert(.stdin) }
        if app.input == .terminal { targets.insert(.terminalInput) }
        if app.output == .stream { targets.insert(.stdout) }
        if app.error == .stream { targets.insert(.stderr) }
        if app.hasOwnTerminal { targets.insert(.terminalOutput) }
        return targets
    }

    /// The endpoints by name, as they are told: a terminal is one.
    var named: [(name: String, targets: AttachTargets)] {
        let terminal = targets.intersection([.terminalInput, .terminalOutput])
        let streams = AttachTargets.named.filter { targets.contains($0.target) && terminal.isDisjoint(with: $0.target) }
        return streams.map { ($0.name, $0.target) } + (terminal.isEmpty ? [] : [("tty", terminal)])
    }

    /// Gives input back to those whose it was.
    func taken(_ count: Int) -> [(client: SupervisorClient, bytes: Int)] {
        var rest = count
        var parts: [(client: SupervisorClient, bytes: Int)] = []
        while rest > 0, let first = writers.first {
            let part = min(rest, first.bytes)
            parts.append((first.client, part))
            rest -= part
            if part == first.bytes {
                writers.removeFirst()
            } else {
                writers.replaceFirst((first.client, first.bytes - part))
            }
        }
        return parts
    }
}

extension PodConfiguration.App {
    /// Whether one of the streams is a terminal.
    var hasOwnTerminal: Bool { [input, output, error].contains(.terminal) }
    var hasSharedStreams: Bool { [input, output, error].contains(where: \.isShared) }
}
