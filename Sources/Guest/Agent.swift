// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// The host's hand in the guest: passes output, readiness and exits up, and sessions and the stop request down.
///
/// One thread around poll(2). Whatever it holds is bounded: output lines by the host's credit, sessions by theirs.
package final class Agent {
    private enum Limit {
        static let sessions = 64
        static let requestLine = 512
        /// Bytes on their way to the host before reading from programs pauses.
        static let outbox = 256 << 10
        /// Milliseconds after a wake-up in which its message is looked for in the journal file: often at first, then ever
        /// less, since journald may be slow on a loaded host.
        static let journalPatience = 10_000
        static let journalDelay = 4...250
        /// Milliseconds for which an app's end waits until the host has taken what the app wrote to its streams.
        static let lastOutput = 5000
        /// Most bytes of a stream that are passed on after the app's end; whoever still writes is not waited for.
        static let lastBytes = 128 << 10
    }

    private let port: FileDescriptor
    private let requests: FileDescriptor
    private let journal: Journal
    private let apps: Set<String>
    /// Nil in an immutable pod.
    private let live = LiveApps()
    private var decoder = FrameDecoder()
    private var outbox: [UInt8] = []
    private var entryCredit = Credit.entries
    private var sessions: [UInt32: AgentSession] = [:]
    /// Programs of sessions that were closed, which have been killed and have not ended yet.
    private var killed: [ChildProcess] = []
    /// Programs of the guest that wait for an answer.
    private var clients: [FileDescriptor] = []
    private var waitingForRecord: [String: FileDescriptor] = [:]
    private var waitingForStreams: [String: FileDescriptor] = [:]
    /// What the launchers of apps have not taken yet; nil for what could not be made.
    private var streamEnds: [String: StreamEnds?] = [:]
    /// What each app ended with, as it will be recorded.
    private var ends: [String: (status: Int32, cause: GuestMessage.ExitCause, at: Int)] = [:]
    /// Apps that have ended, with the socket that becomes readable when the journal has all their lines.
    private var synchronizing: [(app: String, socket: FileDescriptor)] = []
    /// Apps whose exit is to be sent once more when the journal has been read to its end.
    private var toReap: [String] = []
    /// Apps whose exit has been sent right away, for the host to record, and is not acknowledged yet.
    private var early: Set<String> = []
    /// Whether apps that end now were stopped from outside.
    private var isStopping = false
    private var hasToldStopping = false
    /// When journald last took a message, in milliseconds; nil once that message must have been read.
    private var journalWakeUp: Int?

    /// Serves until the machine powers off.
    package static func run() throws -> Never {
        let agent = try Agent()
        try agent.notifyReady()
        agent.send(.hello(version: ProtocolVersion.current, role: .agent))
        agent.send(.phase(name: "agent", microseconds: Clock.microseconds))
        while true { try agent.turn() }
    }

    private init() throws {
        apps = Set(try FileSystem.readText(GuestLayout.settings).split(separator: "\n").map(String.init))
        let machineID = try FileSystem.readText(GuestLayout.machineID).filter { $0 != "\n" }
        journal = try Journal(machineID: machineID)
        requests = try UnixSocket.listen(GuestLayout.agentSocket)
        try UnixSocket.setNonBlocking(requests)
        port = try GuestPort.open(PortName.agent)
        try UnixSocket.setNonBlocking(port)
    }

    /// sd_notify(3): the units that need the agent may start.
    private func notifyReady() throws {
        guard let path = ProcessImage.variable("NOTIFY_SOCKET") else { return }
        let socket = try UnixSocket.connect(FilePath(path), .datagram)
        try FileSystem.writeAll(Array("READY=1".utf8), to: socket)
        try socket.close()
    }

    // MARK: - One turn of the loop

    private enum Source {
        case port, requests, journal, synchronized, change, killed
        case client(FileDescriptor), child(UInt32), outlet(UInt32, Int), input(UInt32)
    }

    private func turn() throws {
        var sources: [(Source, FileDescriptor, Poll.Interest)] = [
            (.port, port, outbox.isEmpty ? .read : [.read, .write]), (.requests, requests, .read),
            (.journal, journal.wakeUp, .read),
        ]
        sources += clients.map { (.client($0), $0, .read) }
        sources += synchronizing.map { (.synchronized, $0.socket, .read) }
        sources += live?.descriptors.map { (.change, $0, .read) } ?? []
        sources += killed.map { (.killed, $0.pidfd, .read) }
        for session in sessions.values {
            if let child = session.child, session.exit == nil {
                sources.append((.child(session.number), child.pidfd, .read))
            }
            if session.outputCredit > 0, outbox.count < Limit.outbox {
                for (index, outlet) in session.outlets.enumerated() {
                    if let descriptor = outlet.descriptor {
                        sources.append((.outlet(session.number, index), descriptor, .read))
                    }
                }
            }
            if let input = session.input, !session.pendingInput.isEmpty {
                sources.append((.input(session.number), input, .write))
            }
        }
        let ready = try Poll.wait(sources.map { ($0.1, $0.2) }, timeout: timeout)
        for (index, interest) in ready { try handle(sources[index].0, interest) }
        // Only those that were waited for: a number may have been given anew in this turn, to one that has just been made.
        endSynchronizations(
            ready.compactMap { index, _ in
                if case .synchronized = sources[index].0 { sources[index].1.rawValue } else { nil }
            })
        if journalWakeUp != nil || !toReap.isEmpty { pumpJournal() }
        endSessions()
        forgetKilled()
        for answer in live?.answers() ?? [] { send(answer) }
        flush()
    }

    private var timeout: Int? {
        // An app whose output is on its way may be held by nothing that could be waited for.
        [journalTimeout, live?.timeout, toReap.isEmpty ? nil : Limit.journalDelay.upperBound].compactMap(\.self).min()
    }

    private var journalTimeout: Int? {
        guard let journalWakeUp else { return nil }
        let elapsed = Clock.milliseconds - journalWakeUp
        guard elapsed < Limit.journalPatience else {
            self.journalWakeUp = nil
            return nil
        }
        return min(max(elapsed / 4, Limit.journalDelay.lowerBound), Limit.journalDelay.upperBound)
    }

    private func handle(_ source: Source, _ ready: Poll.Interest) throws {
        switch source {
        case .port: if ready.contains(.read) || !ready.isDisjoint(with: .hangUp) { try receive() }
        case .requests: if let (client, _) = try UnixSocket.accept(requests) { clients.append(client) }
        case .journal:
            journal.drainWakeUps()
            journalWakeUp = Clock.milliseconds
        case .synchronized, .change, .killed: break
        case .client(let client): serve(client)
        case .child(let number):
            if let session = sessions[number] { session.exit = try session.child?.poll() }
        case .outlet(let number, let index): if let session = sessions[number] { pass(session, index) }
        case .input(let number): if let session = sessions[number] { feed(session) }
        }
    }

    // MARK: - The port

    private func send(_ message: GuestMessage) { outbox.append(contentsOf: message.frame.encoded) }

    private func flush() {
        while !outbox.isEmpty {
            // SAFETY: the array outlives the call and its size is passed.
            let count = outbox.withUnsafeBytes { write(port.rawValue, $0.baseAddress, min($0.count, 32 << 10)) }
            guard count > 0 else { return }
            outbox.removeFirst(count)
        }
    }

    private func receive() throws {
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        // SAFETY: the buffer outlives the call and its size is passed.
        let count = buffer.withUnsafeMutableBytes { read(port.rawValue, $0.baseAddress, $0.count) }
        if count < 0, lastErrno == .wouldBlock || lastErrno == .interrupted { return }
        // Without its host the pod has no one to report to.
        guard count > 0 else { throw RuntimeError(.internal, "the host closed the agent port") }
        decoder.append(buffer[..<count])
        while let frame = try decoder.next() { try handle(HostMessage(frame)) }
    }

    private func handle(_ message: HostMessage) throws {
        switch message {
        case .pod: throw ProtocolError.unexpected("a pod's configuration on the agent port")
        case .stop: stopPod()
        case .exitRecorded(let app, _):
            if early.remove(app) != nil { return }
            if let client = waitingForRecord.removeValue(forKey: app) { answer(client) }
        case .startSession(let number, let request): start(request, number)
        case .sessionInput(let number, let bytes):
            guard let session = sessions[number] else { return }
            guard session.pendingInput.count + bytes.count <= Credit.session else {
                throw ProtocolError.unexpected("more input than session \(number) has credit for")
            }
            session.pendingInput += bytes
            feed(session)
        case .sessionEndOfInput(let number):
            guard let session = sessions[number] else { return }
            session.endOfInput = true
            feed(session)
        case .sessionResize(let number, let rows, let columns):
            guard let terminal = sessions[number]?.terminal else { return }
            Terminal.setSize(TerminalSize(rows: rows, columns: columns), of: terminal)
        case .sessionSignal(let number, let signal): sessions[number]?.signal(signal)
        case .closeSession(let number): if let session = sessions.removeValue(forKey: number) { close(session) }
        case .attach: throw ProtocolError.unexpected("a message for the supervisor")
        case .outputCredit(let channel, let bytes):
            if channel == 0 {
                entryCredit += Int(bytes)
                journalWakeUp = journalWakeUp ?? Clock.milliseconds
            } else {
                sessions[channel]?.outputCredit += Int(bytes)
            }
        case .ping(let number): send(.pong(number: number))
        case .appPart, .addApp, .startApp, .stopApp, .removeApp:
            guard let live else { throw ProtocolError.unexpected("a change of an immutable pod's apps") }
            switch message {
            case .startApp(_, let app, _), .removeApp(_, let app): forget(app)
            default: break
            }
            if let answer = try live.handle(message) { send(answer) }
        }
    }

    /// Forgets how an app has ended: its next run has an end and streams of its own.
    private func forget(_ app: String) {
        ends[app] = nil
        // What no launcher has taken.
        if let last = streamEnds.removeValue(forKey: app) { last?.close() }
        if let client = waitingForStreams.removeValue(forKey: app) { try? client.close() }
    }

    private func isKnown(_ app: String) -> Bool { apps.contains(app) || live?.names.contains(app) ?? false }

    private func stopPod() {
        isStopping = true
        // systemd(1): SIGRTMIN+3 starts halt.target.
        kill(1, rkt_sigrtmin() + 3)
    }

    // MARK: - Sessions

    private func start(_ request: HostMessage.Session, _ number: UInt32) {
        if case .appStreams(let app) = request.target { return startStreams(of: app, request, number) }
        let commands = sessions.values.count { $0.app == nil } + killed.count
        guard commands < Limit.sessions, sessions[number] == nil else {
            return send(.sessionFailed(session: number, "the pod has \(Limit.sessions) sessions already"))
        }
        do {
            switch request.target {
            case .command(let app, let arguments):
                guard isKnown(app) else {
                    throw RuntimeError(.notFound, "no app is named \(app)")
                }
                sessions[number] = try AgentSession.start(request, app: app, command: arguments, number: number)
            case .appStreams: break
            }
            send(.sessionStarted(session: number))
        } catch {
            send(.sessionFailed(session: number, String(describing: error)))
        }
    }

    /// The app's launcher waits for them, so no output is missed.
    private func startStreams(of app: String, _ request: HostMessage.Session, _ number: UInt32) {
        do {
            guard isKnown(app) else { throw RuntimeError(.notFound, "no app is named \(app)") }
            guard sessions[number] == nil, !sessions.values.contains(where: { $0.app == app }), ends[app] == nil else {
                throw RuntimeError(.invalidState, "app \(app) has its streams already")
            }
            let configuration = try PodConfiguration.App(decoding: FileSystem.read(GuestLayout.app(app)))
            let (session, ends) = try StreamEnds.make(
                for: configuration, number: number, size: TerminalSize(rows: request.rows, columns: request.columns))
            sessions[number] = session
            streamEnds[app] = ends
            send(.sessionStarted(session: number))
        } catch {
            if streamEnds[app] == nil { streamEnds[app] = .some(nil) }
            send(.sessionFailed(session: number, String(describing: error)))
        }
        if let client = waitingForStreams.removeValue(forKey: app) { answerStreams(client, app) }
    }

    private func pass(_ session: AgentSession, _ outlet: Int) {
        guard session.outputCredit > 0,
            let stream = session.outlets[outlet].descriptor.map({ _ in session.outlets[outlet].stream })
        else { return }
        guard let bytes = session.read(outlet) else { return session.closeOutlet(outlet) }
        if !bytes.isEmpty { send(.sessionOutput(session: session.number, stream: stream, bytes)) }
    }

    private func feed(_ session: AgentSession) {
        let taken = session.feed()
        if taken > 0 { send(.inputCredit(session: session.number, bytes: UInt32(taken))) }
    }

    /// A session ends when its program has ended and what it wrote has been passed on.
    private func endSessions() {
        for session in sessions.values {
            guard let exit = session.exit else { continue }
            for index in session.outlets.indices { drain(session, index) }
            guard session.outputCredit > 0 || session.outlets.allSatisfy({ $0.descriptor == nil }) else { continue }
            send(.sessionExit(session: session.number, status: exit.status))
            close(session)
            sessions[session.number] = nil
        }
    }

    private func close(_ session: AgentSession) { if let child = session.close() { killed.append(child) } }

    private func forgetKilled() {
        killed.removeAll { child in
            do {
                guard try child.poll() != nil else { return false }
            } catch {
                // Nobody will tell how it ended.
            }
            child.close()
            return true
        }
    }

    /// Passes on what is left, without waiting for processes that the program has left behind.
    private func drain(_ session: AgentSession, _ outlet: Int) {
        while session.outputCredit > 0, session.outlets[outlet].descriptor != nil {
            guard session.outlets[outlet].drained < Limit.lastBytes, let bytes = session.read(outlet), !bytes.isEmpty
            else { return session.closeOutlet(outlet) }
            session.outlets[outlet].drained += bytes.count
            send(.sessionOutput(session: session.number, stream: session.outlets[outlet].stream, bytes))
        }
    }

    // MARK: - Output lines and exits

    private func pumpJournal() {
        // An entry is at most one frame; it may overdraw the credit by that much.
        while entryCredit > 0, outbox.count < Limit.outbox {
            let next = journal.next()
            reportLoss()
            guard let next else {
                // What an app wrote to its streams goes before its end, too.
                let complete = toReap.filter { !hasOutput($0) }
                for app in complete { sendExit(of: app) }
                toReap.removeAll { complete.contains($0) }
                return
            }
            let frame = GuestMessage.entry(next.content.fitted()).frame
            entryCredit -= frame.payload.count
            outbox.append(contentsOf: frame.encoded)
        }
    }

    /// From now on the journal's end is the end of these apps' lines.
    private func endSynchronizations(_ ready: [Int32]) {
        for (app, socket) in synchronizing where ready.contains(socket.rawValue) {
            try? socket.close()
            toReap.append(app)
        }
        synchronizing.removeAll { ready.contains($0.socket.rawValue) }
    }

    private func reportLoss() {
        let lost = journal.takeLost()
        guard lost > 0 else { return }
        send(.failed("\(lost) entries of the journal were lost: they came faster than they could be passed on"))
    }

    /// Whether something of an app that has ended is still on its way, for as long as that may take.
    private func hasOutput(_ app: String) -> Bool {
        guard let end = ends[app], Clock.milliseconds < end.at + Limit.lastOutput else { return false }
        return sessions.values.contains { $0.app == app }
    }

    private func sendExit(of app: String) {
        // An app without an end was never started; in a mutable pod its start has failed.
        let end = ends[app] ?? (live == nil || isStopping ? (0, .stopped, 0) : (ExitStatus.error, .exited, 0))
        send(.appExit(app: app, run: live?.run(of: app) ?? 0, status: end.status, cause: end.cause))
    }

    // MARK: - Programs of the guest

    private func serve(_ client: FileDescriptor) {
        clients.removeAll { $0.rawValue == client.rawValue }
        var buffer = [UInt8](repeating: 0, count: Limit.requestLine)
        // SAFETY: the buffer outlives the call and its size is passed.
        let count = buffer.withUnsafeMutableBytes { read(client.rawValue, $0.baseAddress, $0.count) }
        let line = String(decoding: buffer[..<max(0, count)], as: UTF8.self).filter { $0 != "\n" }
        guard count > 0, let request = AgentRequest(line: line) else {
            try? client.close()
            return
        }
        switch request {
        case .ready:
            send(.phase(name: "apps", microseconds: Clock.microseconds))
            // An app that has failed meanwhile ends the pod.
            if !isStopping { send(.ready) }
            answer(client)
        case .ended(let app, let status, let cause):
            // What ends while the pod is being stopped was asked to.
            let recorded = isStopping ? 0 : status
            ends[app] = (recorded, isStopping ? .stopped : live?.cause(of: app, cause) ?? cause, Clock.milliseconds)
            sessions.values.first { $0.app == app }?.exit = .exited(recorded)
            // For systemd an app that ends by a signal such as SIGTERM has not failed.
            if recorded != 0, live == nil { stopPod() }
            answer(client)
        case .started(let app):
            if let run = live?.run(of: app) { send(.appStarted(app: app, run: run)) }
            answer(client)
        case .reap(let app) where live != nil && live?.run(of: app) == nil: answer(client)
        case .reap(let app):
            // The status is safe at once; the reaper waits until the lines before it are, too.
            sendExit(of: app)
            early.insert(app)
            keep(client, in: &waitingForRecord, app)
            if let socket = journal.synchronize() { synchronizing.append((app, socket)) } else { toReap.append(app) }
        case .streams(let app):
            keep(client, in: &waitingForStreams, app)
            if streamEnds[app] != nil { answerStreams(client, app) }
        case .stopping:
            isStopping = true
            if !hasToldStopping { send(.stopping) }
            hasToldStopping = true
            answer(client)
        }
    }

    /// Only the last one that asks for an app is answered.
    private func keep(_ client: FileDescriptor, in waiting: inout [String: FileDescriptor], _ app: String) {
        if let earlier = waiting.updateValue(client, forKey: app) { try? earlier.close() }
    }

    private func answer(_ client: FileDescriptor) {
        try? FileSystem.writeAll(Array("ok\n".utf8), to: client)
        try? client.close()
    }

    private func answerStreams(_ client: FileDescriptor, _ app: String) {
        waitingForStreams[app] = nil
        if let ends = streamEnds[app] ?? nil {
            try? ends.send(to: client)
            // Whoever asks again gets none: an app is started once.
            ends.close()
            streamEnds[app] = .some(nil)
        }
        try? client.close()
    }
}
