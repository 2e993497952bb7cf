// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Clients that share the streams of apps, and the endpoints through which others do.
extension Supervisor {
    // MARK: - Coming

    func attach(_ request: AttachRequest, _ client: SupervisorClient) throws {
        guard client.session == nil, client.attachment == nil, !client.isChanging else {
            throw ProtocolError.unexpected("a second session")
        }
        guard !agentIsLost, phase != .ending else { return client.fail("the guest's agent cannot be reached") }
        guard let app = streams.last(where: { $0.app.name == request.app }) else {
            guard let app = configuration.apps.first(where: { $0.name == request.app }) ?? live.states[request.app]?.app
            else { return client.fail(Self.reasonWithoutApp(request.app)) }
            guard app.name != options.interactiveApp else {
                return client.fail("app \"\(app.name)\" cannot be attached to: it has the terminal of \"rkt run\"")
            }
            guard app.hasSharedStreams else {
                return client.fail(Self.reasonWithoutStreams(app.name))
            }
            // The agent has not come yet, or the app has not been started.
            return client.awaited = request
        }
        switch app.state {
        case .starting: client.awaited = request
        case .ended: client.fail("app \"\(app.app.name)\" has ended")
        case .failed(let reason): client.fail("app \"\(app.app.name)\" has no streams: \(reason)")
        case .running: join(app, request, client)
        }
    }

    static func reasonWithoutApp(_ app: String) -> String { "the pod has no app \"\(printable(app))\"" }

    static func reasonWithoutStreams(_ app: String) -> String {
        "app \"\(app)\" cannot be attached to: none of its streams is \"stream\" or \"tty\"; start it with --stdout=stream"
    }

    private func join(_ app: AppStreams, _ request: AttachRequest, _ client: SupervisorClient) {
        let there = app.targets
        var wanted = request.targets.isEmpty ? there : request.targets
        // A terminal that is for output only is joined like that.
        let terminal: AttachTargets = [.terminalInput, .terminalOutput]
        if wanted.isSuperset(of: terminal), there.contains(.terminalOutput) {
            wanted.formIntersection(there.union(wanted.subtracting(terminal)))
        }
        let absent = wanted.subtracting(there)
        if let missing = absent.isSuperset(of: terminal) ? "tty" : absent.names.first {
            let has = app.named.isEmpty ? "none" : app.named.map(\.name).joined(separator: ", ")
            return client.fail("app \"\(app.app.name)\" has no endpoint \"\(missing)\"; it has \(has)")
        }
        guard !wanted.isEmpty else { return client.fail("app \"\(app.app.name)\" has no endpoint any more") }
        client.attachment = Attachment(app, wanted)
        client.send(.attached(session: 0, wanted))
        if wanted.hasTerminal { resize(app, request.rows, request.columns, redraws: true) }
        advance(client)
    }

    func serveAwaitingClients() {
        for client in clients {
            guard let request = client.awaited else { continue }
            client.awaited = nil
            do {
                try attach(request, client)
            } catch {
                drop(client)
                continue
            }
            handleMessages(of: client)
        }
    }

    // MARK: - What clients say

    func handleAttached(_ message: HostMessage, of client: SupervisorClient) throws {
        guard let attachment = client.attachment else { return }
        switch message {
        case .sessionInput(_, let bytes):
            guard attachment.targets.hasInput else { throw ProtocolError.unexpected("input that was not joined") }
            guard bytes.count <= client.input.rest else { throw ProtocolError.unexpected("more input than credit") }
            try client.input.take(bytes.count)
            attachment.input.append(.bytes(bytes))
            passInput(of: attachment.streams)
        case .sessionEndOfInput:
            guard attachment.targets.hasInput else { throw ProtocolError.unexpected("input that was not joined") }
            if case .end? = attachment.input.last { return }
            attachment.input.append(.end)
            passInput(of: attachment.streams)
        case .sessionResize(_, let rows, let columns):
            guard attachment.targets.hasTerminal else { return }
            resize(attachment.streams, rows, columns, redraws: false)
        case .outputCredit(_, let bytes):
            try client.output.giveBack(Int(bytes))
            advance(client)
        default: throw ProtocolError.unexpected("a message that is not one of an attached client")
        }
    }

    /// Passes input on, a frame of each client in turn, as far as the app has room for whole ones.
    func passInput(of app: AppStreams) {
        guard case .running = app.state, agentIsConnected else { return }
        while true {
            let writers = clients.filter { $0.attachment?.streams === app && $0.attachment?.input.isEmpty == false }
            guard let client = writers.first(where: { $0.number > app.lastWriter }) ?? writers.first,
                let next = client.attachment?.input.first
            else { return }
            switch next {
            case .bytes(let bytes):
                guard bytes.count <= app.input.rest, (try? app.input.take(bytes.count)) != nil else { return }
                app.writers.append((client, bytes.count))
                sendToAgent(.sessionInput(session: app.session, bytes))
            case .end:
                sendToAgent(.sessionEndOfInput(session: app.session))
                if app.app.input == .stream, app.inputIsOpen {
                    app.inputIsOpen = false
                    closeEndpoint("stdin", of: app)
                    tellEndpoints(of: app)
                }
            }
            client.attachment?.input.removeFirst()
            app.lastWriter = client.number
            if client.hasLeft, client.attachment?.input.isEmpty == true { drop(client) }
        }
    }

    /// The app has taken input of a client.
    func giveBackInput(_ bytes: Int, to client: SupervisorClient) {
        guard client.attachment != nil, (try? client.input.giveBack(bytes)) != nil, !client.isRaw else { return }
        client.send(.inputCredit(session: 0, bytes: UInt32(bytes)))
        deliver(to: client)
    }

    /// - Parameter redraws: whether programs are to draw a window again that has this size already.
    private func resize(_ app: AppStreams, _ rows: UInt16, _ columns: UInt16, redraws: Bool) {
        guard rows > 0, columns > 0, case .running = app.state else { return }
        let size = TerminalSize(rows: rows, columns: columns)
        if size == app.size {
            guard redraws else { return }
            // A program is told of changes only.
            sendToAgent(.sessionResize(session: app.session, rows: rows > 1 ? rows - 1 : 2, columns: columns))
        }
        app.size = size
        sendToAgent(.sessionResize(session: app.session, rows: rows, columns: columns))
    }

    // MARK: - What clients get

    /// Gives a client what it has room for. One that falls behind what is kept goes on at the oldest of that.
    func advance(_ client: SupervisorClient) {
        guard let attachment = client.attachment, !client.isEnding else { return }
        if client.hasLeft || client.outputIsClosed {
            if case .ended = attachment.streams.state { drop(client) }
            return
        }
        attachment.advance(
            room: { client.room },
            gap: { stream, count in
                if !client.isRaw { client.send(.outputGap(session: 0, stream: stream, bytes: UInt64(count))) }
            },
            deliver: { stream, bytes in
                if client.isRaw { return client.outbox.append(bytes) }
                // There is room for it.
                try? client.output.take(bytes.count)
                client.send(.sessionOutput(session: 0, stream: stream, bytes))
            })
        if case .ended(let status) = attachment.streams.state, attachment.isComplete {
            if !client.isRaw { client.send(.sessionExit(session: 0, status: status)) }
            client.attachment = nil
            client.isEnding = true
        }
        if case .closed = client.outbox.flush(to: client.socket) { return closeOutput(of: client) }
        if client.isFlooded { drop(client) }
    }

    /// What one without a protocol has typed is passed on all the same.
    private func closeOutput(of client: SupervisorClient) {
        guard client.isRaw, client.attachment?.targets.hasInput == true else { return drop(client) }
        client.outbox.clear()
        client.outputIsClosed = true
    }

    /// Gives clients what is left when the pod has ended, as long as they take it.
    func finishAttachments() {
        let deadline = Clock.milliseconds + Limit.farewellPatience
        while Clock.milliseconds < deadline {
            for client in clients { advance(client) }
            let behind = clients.filter { client in
                guard client.isPolled, !client.outputIsClosed else { return false }
                return !client.outbox.isEmpty || client.attachment.map { !$0.isComplete } ?? false
            }
            guard !behind.isEmpty,
                let ready = try? Poll.wait(
                    behind.map { client in
                        // One that has said all would be readable without end.
                        let interest: Poll.Interest = client.isHeard ? .read : []
                        return (client.socket, client.outbox.isEmpty ? interest : interest.union(.write))
                    }, timeout: Limit.hypervisorPatience), !ready.isEmpty
            else { return }
            for (index, interest) in ready { serve(behind[index], interest) }
        }
    }

    // MARK: - Endpoints

    func openEndpoints(of app: AppStreams) {
        let file = EndpointsFile(pod: pod, app: app.app.name)
        do {
            for (name, targets) in app.named {
                app.endpoints.append(
                    AppStreams.Endpoint(name: name, targets: targets, listener: try file.listen(name)))
            }
            try file.write(app.named.map(\.name))
        } catch {
            errors.notice("stage1: cannot tell the endpoints of app \"\(app.app.name)\": \(error)")
        }
    }

    private func tellEndpoints(of app: AppStreams) {
        do {
            try EndpointsFile(pod: pod, app: app.app.name).write(app.named.map(\.name))
        } catch {
            errors.notice("stage1: cannot tell the endpoints of app \"\(app.app.name)\": \(error)")
        }
    }

    private func closeEndpoint(_ name: String, of app: AppStreams) {
        for endpoint in app.endpoints where endpoint.name == name { try? endpoint.listener.close() }
        app.endpoints.removeAll { $0.name == name }
        EndpointsFile(pod: pod, app: app.app.name).removeSocket(name)
    }

    func closeEndpoints(of app: AppStreams) {
        EndpointsFile(pod: pod, app: app.app.name).remove()
        for endpoint in app.endpoints { closeEndpoint(endpoint.name, of: app) }
    }

    func accept(_ endpoint: AppStreams.Endpoint, of app: AppStreams) {
        // It may have been closed in this turn.
        guard app.endpoints.contains(where: { $0.name == endpoint.name }),
            let (socket, uid) = try? UnixSocket.accept(endpoint.listener)
        else { return }
        guard uid == options.clientUser, clients.count < Limit.clients,
            clients.count(where: \.isRaw) < Limit.endpointClients, (try? UnixSocket.setNonBlocking(socket)) != nil
        else {
            try? socket.close()
            return
        }
        lastClient += 1
        let client = SupervisorClient(socket: socket, number: lastClient, isRaw: true)
        client.attachment = Attachment(app, endpoint.targets)
        clients.append(client)
        advance(client)
    }

    /// A client of an endpoint says bytes, and nothing else.
    func serveRaw(_ client: SupervisorClient, _ ready: Poll.Interest) {
        if !client.outbox.isEmpty, case .closed = client.outbox.flush(to: client.socket) { closeOutput(of: client) }
        let hasGone = !ready.isDisjoint(with: .hangUp)
        if hasGone { client.hasHungUp = true }
        guard let attachment = client.attachment, !client.isEnding, !client.inputEnded else {
            if hasGone { leave(client) }
            return
        }
        guard ready.contains(.read) || hasGone, client.input.rest > 0 else { return }
        switch client.socket.readAvailable(most: min(client.input.rest, 16 << 10)) {
        case .nothing: return
        case .bytes(let bytes):
            guard attachment.targets.hasInput, (try? client.input.take(bytes.count)) != nil else { return }
            attachment.input.append(.bytes(bytes))
            passInput(of: attachment.streams)
        case .end:
            client.inputEnded = true
            // Its output may still be wanted.
            if hasGone || !attachment.targets.hasOutput { leave(client) }
        }
    }

    /// What it has said before is passed on.
    private func leave(_ client: SupervisorClient) {
        guard client.attachment?.input.isEmpty == false else { return drop(client) }
        client.hasLeft = true
    }
}
