// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// The conversation with the guest: the shim on the boot port, then the agent on its own.
extension Supervisor {
    // MARK: - Boot port

    func receiveFromShim() {
        switch machine.descriptors.bootPort.readAvailable() {
        case .nothing: return
        case .end: closeBootPort()
        case .bytes(let bytes):
            bootDecoder.append(bytes)
            do {
                while bootPortIsOpen, let frame = try bootDecoder.next() { try handleShim(GuestMessage(frame)) }
            } catch {
                closeBootPort()
                kill(.setUpFailed("it broke the protocol of the boot port: \(error)"))
            }
        }
    }

    /// The shim is trusted as far as its port goes; what comes later may come from any program of the pod.
    private func closeBootPort() {
        bootPortIsOpen = false
        bootOutbox.clear()
        bootDecoder = FrameDecoder()
    }

    private func handleShim(_ message: GuestMessage) throws {
        switch message {
        case .hello(let version, .shim):
            guard version == ProtocolVersion.current else { throw ProtocolError.version(version) }
            guard !shimHasSpoken else { throw ProtocolError.unexpected("a second HELLO") }
            shimHasSpoken = true
            ledger.mark("hello")
            registrar = options.listing?.begin(machine.process.pid, errors)
            options.record?.complete(machine, to: pod.machineRecord, errors)
            bootOutbox.append(HostMessage.pod(configuration).frame.encoded)
        case .phase(let name, let microseconds):
            ledger.markGuest(name, microseconds)
            if name == PhaseName.shimEnd { closeBootPort() }
        case .failed(let reason):
            if outcome.failure == nil { outcome.failure = .setUpFailed(Self.printable(reason)) }
        default: throw ProtocolError.unexpected("a message of the agent on the boot port")
        }
    }

    /// Text from the guest as one printable line of bounded length.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(1000).map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
    }

    // MARK: - Agent port

    /// - Returns: whether something was read.
    func receiveFromAgent() -> Bool {
        switch machine.descriptors.agentPort.readAvailable() {
        case .nothing: return false
        case .end:
            agentPortIsOpen = false
            loseAgent("the pod's machine has closed its connection")
            return false
        case .bytes(let bytes):
            agentDecoder.append(bytes)
            do {
                while let frame = try agentDecoder.next() { try handleAgent(frame) }
            } catch {
                agentPortIsOpen = false
                agentDecoder = FrameDecoder()
                errors.notice("stage1: the guest's agent broke the protocol, its connection is closed: \(error)")
                loseAgent("the guest's agent broke the protocol")
                outcome.wasStoppedEarly = false
                if case .booting = phase { phase = .running }
            }
            return agentPortIsOpen
        }
    }

    /// A guest that breaks the protocol is not listened to any more; the machine goes on until it ends or is stopped.
    private func loseAgent(_ reason: String) {
        agentIsConnected = false
        agentIsLost = true
        agentOutbox.clear()
        for app in streams { closeEndpoints(of: app) }
        // What an app wrote before it or the machine ended is kept here: clients may still take it.
        for client in clients where !client.isAttachedToEnd(phase) { client.fail(reason) }
        failAppRequests(reason)
    }

    private func handleAgent(_ frame: Frame) throws {
        let message = try GuestMessage(frame)
        if agentIsConnected, try handleStreams(message) { return }
        guard agentIsConnected else {
            guard case .hello(let version, .agent) = message else {
                throw ProtocolError.unexpected("the agent did not begin with HELLO")
            }
            guard version == ProtocolVersion.current else { throw ProtocolError.version(version) }
            return agentConnected()
        }
        switch message {
        case .hello: throw ProtocolError.unexpected("a second HELLO")
        case .phase(let name, let microseconds): ledger.markGuest(name, microseconds)
        case .failed(let reason): guestNotice("the guest's agent: \(Self.printable(reason))")
        case .ready: recordReady()
        case .entry(let entry): try take(entry, bytes: frame.payload.count)
        case .appExit(let app, let run, let status, let cause): try record(app, run, status, cause)
        case .sessionOutput(Limit.terminalSession, _, let bytes) where options.interactiveApp != nil:
            try terminalCredit.take(bytes.count)
            caller.append(bytes, credit: bytes.count)
        case .inputCredit(Limit.terminalSession, let bytes) where options.interactiveApp != nil:
            try caller.giveBackInput(bytes)
        case .sessionFailed(Limit.terminalSession, let reason) where options.interactiveApp != nil:
            guestNotice("the app's terminal: \(Self.printable(reason))")
        case .sessionStarted(let session): try startSession(session)
        case .sessionOutput(let session, let stream, let bytes):
            try client(of: session)?.output.take(bytes.count)
            forward(.sessionOutput(session: 0, stream: stream, bytes), to: session)
        case .sessionExit(let session, let status):
            forward(.sessionExit(session: 0, status: status), to: session, last: true)
        case .sessionFailed(let session, let reason):
            forward(.sessionFailed(session: 0, Self.printable(reason)), to: session, last: true)
        case .stopping: manager?.stopping()
        case .pong(let number): takePong(number)
        case .inputCredit(let session, let bytes):
            try client(of: session)?.input.giveBack(Int(bytes))
            forward(.inputCredit(session: 0, bytes: bytes), to: session)
        case .attached, .outputGap: throw ProtocolError.unexpected("a message of a supervisor")
        case .requestDone(let request): try finishRequest(request)
        case .requestFailed(let request, let reason): try failRequest(request, reason)
        case .appStarted(let app, let run): try recordStart(app, run: run)
        }
    }

    private func agentConnected() {
        agentIsConnected = true
        closeBootPort()
        ledger.mark("agent")
        if case .booting = phase { phase = .running }
        if let app = options.interactiveApp {
            let size = caller.size
            sendToAgent(
                .startSession(
                    session: Limit.terminalSession,
                    HostMessage.Session(
                        target: .appStreams(app: app), terminal: true, rows: size.rows, columns: size.columns)))
        }
        for app in configuration.apps { openStreams(of: app) }
        tellAgentToStop()
        serveWaitingClients()
        advanceAppRequests()
    }

    /// What the guest can cause, so many lines in a time.
    private func guestNotice(_ text: String) {
        guard guestNotices.admits(at: Clock.milliseconds) else { return }
        tellLeftOut()
        errors.notice("stage1: \(text)")
    }

    func tellLeftOut() {
        let count = guestNotices.takeLeftOut()
        if count > 0 { errors.notice("stage1: \(count) more lines of the guest's agent were left out") }
    }

    private func recordReady() {
        guard !isReady else { return }
        isReady = true
        manager?.ready(configuration.apps.map(\.name))
        ledger.mark("ready")
        try? ledger.write(to: pod.startLedger)
        guard !FileSystem.exists(pod.supervisorStatus) else { return }
        do {
            try FileSystem.makeSymbolicLink(to: "ready", at: pod.supervisorStatus)
        } catch {
            errors.notice("stage1: cannot record that the pod is ready: \(error)")
        }
    }

    /// Writes an app's status before the guest is told so: what has been acknowledged is on disk.
    private func record(_ app: String, _ run: UInt32, _ status: Int32, _ cause: GuestMessage.ExitCause) throws {
        guard mayEnd(app, run: run) else {
            throw ProtocolError.unexpected("the exit of an app that the pod does not have")
        }
        guard (0...255).contains(status) else { throw ProtocolError.malformed("exit status \(status)") }
        let reports = exitReports[app, default: 0] + 1
        guard reports <= Limit.exitReports else { throw ProtocolError.unexpected("the end of an app, over and over") }
        exitReports[app] = reports
        if reports == 1 {
            ledger.mark("exit")
            do {
                // First, so that whoever sees the status sees its cause.
                try FileSystem.writeAtomically(Array("\(cause.word)\n".utf8), to: pod.exitCause(app))
                try FileSystem.writeAtomically(Array("\(status)\n".utf8), to: pod.status(app))
            } catch {
                errors.notice("stage1: cannot record the status \(status) of app \(app): \(error)")
            }
            if !configuration.isMutable { manager?.appEnded(app, status) }
            outcome.unfinished.removeAll { $0 == app }
            if status != 0, outcome.firstFailure == nil, !configuration.isMutable { outcome.firstFailure = status }
            if cause == .outOfMemory {
                errors.notice(
                    "stage1: app \"\(app)\" was killed for lack of memory; give it more with --memory")
            }
        }
        sendToAgent(.exitRecorded(app: app, run: run))
        noteEnd(app, reports: reports)
    }

    func sendToAgent(_ message: HostMessage) {
        guard agentIsConnected, phase != .ending else { return }
        agentOutbox.append(message.frame.encoded)
        flushAgent()
    }

    func flushAgent() {
        while !agentOutbox.isEmpty {
            switch agentOutbox.flush(to: machine.descriptors.agentPort) {
            case .written(let count): if count == 0 { return }
            case .closed: return agentOutbox.clear()
            }
        }
    }

    /// The guest's console, without what a terminal would act on.
    private func debug(_ bytes: [UInt8]) { errors.append(bytes.filter { $0 == 10 || $0 == 9 || $0 >= 32 && $0 < 127 }) }

    func receiveFromConsole() -> Bool {
        switch machine.descriptors.console.readAvailable() {
        case .nothing: return false
        case .end:
            consoleIsOpen = false
            return false
        case .bytes(let bytes):
            console.append(bytes)
            if options.debug { debug(bytes) }
            return true
        }
    }
}
