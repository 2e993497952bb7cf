// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform

/// The streams of an app that its clients share: what it wrote last, and whose input it has not taken yet.
final class AppStreams {
    enum State: Equatable {
        /// Until the guest has made them.
        case starting
        case running
        case ended(status: Int32)
        case failed(String)
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
    /// Window of the app's terminal; that of the client that has told its own last.
    var size = TerminalSize(rows: 24, columns: 80)

    init(_ app: PodConfiguration.App, session: UInt32) {
        self.app = app
        self.session = session
        rings = [:]
        if app.output == .stream { rings[.output] = StreamRing() }
        if app.error == .stream { rings[.error] = StreamRing() }
        if [app.input, app.output, app.error].contains(.terminal) { rings[.terminal] = StreamRing() }
    }
}
