// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Programs of the host that hold sessions in the guest, and the caller's own input and output.
extension Supervisor {
    // MARK: - Clients

    func accept() {
        guard let (socket, uid) = try? UnixSocket.accept(listener) else { return }
        // The socket's directory lets nobody else in either.
        guard uid == 0, (try? UnixSocket.setNonBlocking(socket)) != nil else {
            try? socket.close()
            return
        }
        clients.append(SupervisorClient(socket: socket))
    }

    func serve(_ client: SupervisorClient, _ ready: Poll.Interest) {
        if !client.outbox.isEmpty, case .closed = client.outbox.flush(to: client.socket) { return drop(client) }
        guard !client.isEnding, ready.contains(.read) || !ready.isDisjoint(with: .hangUp) else {
            if !ready.isDisjoint(with: .hangUp) { drop(client) }
            return
        }
        do {
            guard let messages = try client.receive() else { return drop(client) }
            for message in messages { try handle(message, of: client) }
        } catch {
            drop(client)
        }
    }

    private func handle(_ message: HostMessage, of client: SupervisorClient) throws {
        if case .startSession(_, let request) = message {
            guard client.session == nil, case .command = request.target else {
                throw ProtocolError.unexpected("a second session")
            }
            guard agentIsConnected else {
                client.send(.sessionFailed(session: 0, "the guest's agent cannot be reached"))
                client.isEnding = true
                return
            }
            client.session = nextSession
            nextSession &+= 1
            return sendToAgent(.startSession(session: nextSession &- 1, request))
        }
        guard let session = client.session else { throw ProtocolError.unexpected("no session has been started") }
        switch message {
        case .sessionInput(_, let bytes): sendToAgent(.sessionInput(session: session, bytes))
        case .sessionEndOfInput: sendToAgent(.sessionEndOfInput(session: session))
        case .sessionResize(_, let rows, let columns):
            sendToAgent(.sessionResize(session: session, rows: rows, columns: columns))
        case .sessionSignal(_, let signal): sendToAgent(.sessionSignal(session: session, signal: signal))
        case .outputCredit(_, let bytes): sendToAgent(.outputCredit(channel: session, bytes: bytes))
        default: throw ProtocolError.unexpected("a message that is not a client's")
        }
    }

    func forward(_ message: GuestMessage, to session: UInt32, last: Bool = false) {
        // A client that has just gone may still be sent to.
        guard let client = clients.first(where: { $0.session == session }) else { return }
        client.send(message)
        if last {
            client.session = nil
            client.isEnding = true
        }
        if client.isFlooded { drop(client) }
        if case .closed = client.outbox.flush(to: client.socket) { drop(client) }
    }

    private func drop(_ client: SupervisorClient) {
        if let session = client.session { sendToAgent(.closeSession(session: session)) }
        client.session = nil
        clients.removeAll { $0 === client }
        try? client.socket.close()
    }

    // MARK: - The caller

    func receiveInput() {
        guard let input = caller.readInput() else { return }
        if input.escaped { return kill(.escaped) }
        guard options.interactiveApp != nil else { return }
        if !input.bytes.isEmpty { sendToAgent(.sessionInput(session: Limit.terminalSession, input.bytes)) }
        if input.ended { sendToAgent(.sessionEndOfInput(session: Limit.terminalSession)) }
    }

    func flushCaller(most: Int = 64 << 10) {
        for credit in caller.flush(most: most) {
            sendToAgent(.outputCredit(channel: credit.channel, bytes: UInt32(credit.bytes)))
        }
    }

    func resizeTerminal() {
        guard options.interactiveApp != nil else { return }
        let size = caller.size
        sendToAgent(.sessionResize(session: Limit.terminalSession, rows: size.rows, columns: size.columns))
    }
}
