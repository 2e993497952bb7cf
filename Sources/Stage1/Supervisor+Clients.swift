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
        guard uid == options.clientUser, (try? UnixSocket.setNonBlocking(socket)) != nil else {
            try? socket.close()
            return
        }
        lastClient += 1
        clients.append(SupervisorClient(socket: socket, number: lastClient))
    }

    func serve(_ client: SupervisorClient, _ ready: Poll.Interest) {
        if client.isRaw { return serveRaw(client, ready) }
        if !client.outbox.isEmpty, case .closed = client.outbox.flush(to: client.socket) { return drop(client) }
        guard !client.isEnding, ready.contains(.read) || !ready.isDisjoint(with: .hangUp) else {
            if !ready.isDisjoint(with: .hangUp) { drop(client) }
            return
        }
        // One that has gone while it waits has nothing more to say.
        guard !client.isWaiting, client.receive() else { return drop(client) }
        handleMessages(of: client)
    }

    func handleMessages(of client: SupervisorClient) {
        do {
            while let message = try client.next() { try handle(message, of: client) }
        } catch {
            drop(client)
        }
    }

    /// The agent can be told now what came before it.
    func serveWaitingClients() {
        for client in clients {
            guard let request = client.waiting else { continue }
            client.waiting = nil
            start(request, of: client)
            handleMessages(of: client)
        }
    }

    private func start(_ request: HostMessage.Session, of client: SupervisorClient) {
        client.session = nextSession
        nextSession &+= 1
        sendToAgent(.startSession(session: nextSession &- 1, request))
    }

    private func handle(_ message: HostMessage, of client: SupervisorClient) throws {
        if try handleChange(message, of: client) { return }
        if case .attach(_, let request) = message { return try attach(request, client) }
        if client.attachment != nil { return try handleAttached(message, of: client) }
        if case .startSession(_, let request) = message {
            guard client.session == nil, case .command = request.target else {
                throw ProtocolError.unexpected("a second session")
            }
            guard !agentIsLost, phase != .ending else { return client.fail("the guest's agent cannot be reached") }
            if agentIsConnected { start(request, of: client) } else { client.waiting = request }
            return
        }
        guard let session = client.session else { throw ProtocolError.unexpected("no session has been started") }
        switch message {
        case .sessionInput(_, let bytes):
            // The agent ends with a host that breaks the protocol, so a client must not make it.
            guard bytes.count <= client.input.rest else { throw ProtocolError.unexpected("more input than credit") }
            try client.input.take(bytes.count)
            sendToAgent(.sessionInput(session: session, bytes))
        case .sessionEndOfInput: sendToAgent(.sessionEndOfInput(session: session))
        case .sessionResize(_, let rows, let columns):
            sendToAgent(.sessionResize(session: session, rows: rows, columns: columns))
        case .sessionSignal(_, let signal): sendToAgent(.sessionSignal(session: session, signal: signal))
        case .outputCredit(_, let bytes):
            try client.output.giveBack(Int(bytes))
            sendToAgent(.outputCredit(channel: session, bytes: bytes))
        default: throw ProtocolError.unexpected("a message that is not a client's")
        }
    }

    func client(of session: UInt32) -> SupervisorClient? { clients.first { $0.session == session } }

    /// The guest says once that a session runs.
    func startSession(_ session: UInt32) throws {
        guard let client = client(of: session) else { return }
        guard !client.hasStarted else { throw ProtocolError.unexpected("a session that has started already") }
        client.hasStarted = true
        forward(.sessionStarted(session: 0), to: session)
    }

    func forward(_ message: GuestMessage, to session: UInt32, last: Bool = false) {
        // A client that has just gone may still be sent to.
        guard let client = client(of: session) else { return }
        client.send(message)
        if last {
            client.session = nil
            client.isEnding = true
        }
        deliver(to: client)
    }

    /// Writes what a client takes now. Lets go of one that has gone, or that asks for more and reads nothing.
    func deliver(to client: SupervisorClient) {
        if case .closed = client.outbox.flush(to: client.socket) { return drop(client) }
        if client.isFlooded { drop(client) }
    }

    /// Nobody is left waiting for a pod that has ended.
    func endClients() {
        try? FileSystem.remove(pod.agentSocket)
        try? listener.close()
        for app in streams { closeEndpoints(of: app) }
        for client in clients {
            client.fail("the pod ended")
            _ = client.outbox.flush(to: client.socket)
            try? client.socket.close()
        }
        clients = []
    }

    func drop(_ client: SupervisorClient) {
        if let session = client.session { sendToAgent(.closeSession(session: session)) }
        client.session = nil
        client.attachment = nil
        client.isEnding = true
        // What comes through its descriptor's number from here on may be another client's.
        client.outbox.clear()
        guard let index = clients.firstIndex(where: { $0 === client }) else { return }
        clients.remove(at: index)
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

    func flushCaller() {
        let bytes = caller.flush()
        if bytes > 0 {
            // What is given back was counted when it came.
            try? terminalCredit.giveBack(bytes)
            sendToAgent(.outputCredit(channel: Limit.terminalSession, bytes: UInt32(bytes)))
        }
        feedCaller()
    }

    func resizeTerminal() {
        guard options.interactiveApp != nil, agentOutbox.count < options.agentOutbox else { return }
        let size = caller.size
        sendToAgent(.sessionResize(session: Limit.terminalSession, rows: size.rows, columns: size.columns))
    }
}
