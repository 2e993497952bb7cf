// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform

/// Streams of apps that are kept for whoever attaches. Nobody holds up an app: what it writes is taken at once.
extension Supervisor {
    /// Has the guest make an app's streams, for which the app waits.
    func openStreams(of app: PodConfiguration.App) {
        guard app.name != options.interactiveApp, app.hasSharedStreams else { return }
        let opened = AppStreams(app, session: nextSession)
        nextSession &+= 1
        streams.append(opened)
        sendToAgent(.startSession(session: opened.session, HostMessage.Session(target: .appStreams(app: app.name))))
    }

    /// Ends the streams of an app that does not run, where the guest has not. Whoever reads them gets what is kept.
    func closeStreams(of name: String) {
        for app in streams where app.app.name == name && app.isOpen {
            sendToAgent(.closeSession(session: app.session))
            app.isClosed = true
            app.state = .ended(status: 0)
            closeEndpoints(of: app)
        }
    }

    /// The same, and nobody can attach to them any more.
    func forgetStreams(of name: String) {
        closeStreams(of: name)
        streams.removeAll { $0.app.name == name }
    }

    // What the guest has still sent of streams that were closed here is nobody's.
    private func streams(of session: UInt32) -> AppStreams? { streams.first { $0.session == session && !$0.isClosed } }

    /// - Returns: whether the message is one of an app's streams.
    func handleStreams(_ message: GuestMessage) throws -> Bool {
        switch message {
        case .sessionStarted(let session):
            guard let app = streams(of: session) else { return false }
            guard app.state == .starting else { throw ProtocolError.unexpected("streams that have started already") }
            app.state = .running
            openEndpoints(of: app)
            serveAwaitingClients()
        case .sessionOutput(let session, let stream, let bytes):
            guard let app = streams(of: session) else { return false }
            guard app.state == .running, app.rings[stream] != nil else {
                throw ProtocolError.unexpected("output of a stream that an app does not have")
            }
            try app.output.take(bytes.count)
            app.rings[stream]?.append(bytes)
            try app.output.giveBack(bytes.count)
            sendToAgent(.outputCredit(channel: session, bytes: UInt32(bytes.count)))
        case .inputCredit(let session, let bytes):
            guard let app = streams(of: session) else { return false }
            try app.input.giveBack(Int(bytes))
            for part in app.taken(Int(bytes)) { giveBackInput(part.bytes, to: part.client) }
            passInput(of: app)
        case .sessionExit(let session, let status):
            guard let app = streams(of: session) else { return false }
            guard app.state == .running else { throw ProtocolError.unexpected("the end of streams that do not run") }
            app.state = .ended(status: status & 0xff)
            closeEndpoints(of: app)
        case .sessionFailed(let session, let reason):
            guard let app = streams(of: session) else { return false }
            guard app.state == .starting else { throw ProtocolError.unexpected("a failure of streams that run") }
            app.state = .failed(Self.printable(reason))
            serveAwaitingClients()
            errors.notice("stage1: the streams of app \"\(app.app.name)\": \(Self.printable(reason))")
        default: return false
        }
        return true
    }
}
