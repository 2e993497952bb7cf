// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import GuestProtocol
import Hypervisor
import LinuxPlatform
import PodJournal
import PodStore
import SystemPackage

/// The process that a pod is on the host: it launched the machine, answers the guest, relays output and input, records
/// what the apps ended with, and ends with the pod's status.
///
/// One thread around poll(2). Nothing that the guest sends is trusted: frames, queues and times are bounded, and a guest
/// that breaks the protocol loses its connection, not its supervisor.
package final class Supervisor {
    package struct Options: Sendable {
        package var debug = false
        /// The app whose terminal the caller holds.
        package var interactiveApp: String?
        /// Milliseconds for the guest to reach its agent.
        package var bootPatience = 120_000
        /// Milliseconds for an orderly stop.
        package var stopPatience = 45_000
        /// The only user whose programs may hold sessions.
        package var clientUser: UInt32 = 0
        /// Bytes for the guest before clients, input and the guest itself are not read any more.
        package var agentOutbox = 1 << 20
        /// The caller's standard input and output.
        package var input = FileDescriptor(rawValue: 0)
        package var output = FileDescriptor(rawValue: 1)
        package var journal = JournalSink.Options()
        /// What the caller types to end the pod.
        package var escape = EscapeSequence.Keys.controlA
        /// How systemd-machined(8) is told of the pod.
        package var listing: MachineListing?
        /// What is completed when the guest speaks first; nil where it says everything already.
        var record: MachineRecord?
        /// The context of SELinux of the pod's processes, for messages; nil where they have none of their own.
        package var label: String?
        package init() {}
    }

    enum Phase: Equatable {
        /// Until the agent speaks.
        case booting(deadline: Int)
        case running
        case stopping(deadline: Int)
        /// The machine has been killed or has ended.
        case ending
    }

    enum Limit {
        static let clients = 64
        /// So many of them may have come through endpoints of apps.
        static let endpointClients = 32
        /// How often the guest may report one app's end; it does so twice.
        static let exitReports = 8
        /// Pieces of console output that are read after a panic.
        static let lastConsoleReads = 64
        static let terminalSession: UInt32 = 1
        /// Bytes of lines that wait for the caller; more wait in the pod's journal.
        static let callerOutbox = 256 << 10
        /// Milliseconds between the end of a share's server and that of the hypervisor, when the latter ends in order.
        static let hypervisorPatience = 1000
        /// Milliseconds for the same after a server that ended in order, as it does when it is let go of.
        static let farewellPatience = 5000
        /// The same for a guest that has powered off.
        static let releasePatience = 10_000
    }

    let pod: PodLayout
    let configuration: PodConfiguration
    let machine: any SupervisedMachine
    let options: Options
    let signals: SignalDescriptor
    let listener: FileDescriptor

    var phase: Phase
    var ledger: StartLedger
    var console: ConsoleLog
    var bootDecoder = FrameDecoder()
    var agentDecoder = FrameDecoder()
    var bootOutbox: Outbox
    var agentOutbox: Outbox
    /// False once the shim has had its say: what is written to the port later is an app's.
    var bootPortIsOpen = true
    var shimHasSpoken = false
    var agentIsConnected = false
    var agentPortIsOpen = true
    /// Whether the agent has gone for good, or has broken the protocol.
    var agentIsLost = false
    /// Whether all apps have been started.
    var isReady = false
    let journal: JournalSink
    let logs: LogFiles
    /// Entries that are not kept yet.
    var entryCredit = CreditAccount(limit: Credit.entries)
    /// Where the caller is in the journal when it reads more slowly than apps write.
    var backlog: JournalReader?
    /// Names of the pod's apps, also of those that have been removed.
    var apps: Set<String>
    /// What becomes of the apps of a mutable pod.
    var live = LiveAppTable()
    /// Output of the app's terminal on its way to the caller.
    var terminalCredit = CreditAccount(limit: Credit.session)
    var controlIsOpen = true
    var consoleIsOpen = true
    var clients: [SupervisorClient] = []
    var nextSession = Limit.terminalSession + 1
    /// The streams of apps that clients share.
    var streams: [AppStreams] = []
    /// The number of the client that came last.
    var lastClient = 0
    /// What is known of the pod's end.
    package internal(set) var outcome = PodOutcome()
    /// How often the end of each app has been reported.
    var exitReports: [String: Int] = [:]
    var guestNotices = NoticeLimit()
    var guestPoweredOff = false
    /// How a share's server ended, and until when the hypervisor may still follow it.
    var lostServer: (exit: ProcessExit, deadline: Int)?
    /// Orderly stop asked for before the agent could be told.
    var stopIsPending = false
    var caller: CallerTerminal
    let errors: ErrorStream
    /// Tells systemd-machined(8) of the pod.
    var registrar: ChildProcess?
    /// Whom the pod's unit is told to; nil for nobody.
    package var manager: UnitNotifier? { didSet { watch = manager?.watchdog.map { GuestWatch(watchdog: $0) } } }
    var watch: GuestWatch?
    /// Processes of the pod's control group that had been killed for lack of memory when the machine started.
    private let memoryKills = ControlGroups.memoryKillsOfCaller()
    /// Whether a signal has ended the wait for whoever reads the pod's output.
    private var hasGivenUp = false

    /// - Parameter listener: where clients connect; closed at the end.
    package init(
        pod: PodLayout, configuration: PodConfiguration, machine: any SupervisedMachine, listener: FileDescriptor,
        signals: SignalDescriptor, errors: ErrorStream, options: Options, origin: UInt64
    ) {
        self.pod = pod
        self.configuration = configuration
        self.machine = machine
        bootOutbox = Outbox(doubling: machine.descriptors.portEscape)
        agentOutbox = Outbox(doubling: machine.descriptors.portEscape)
        self.listener = listener
        self.signals = signals
        self.errors = errors
        self.options = options
        phase = .booting(deadline: Clock.milliseconds + options.bootPatience)
        ledger = StartLedger(origin: origin)
        console = ConsoleLog(path: pod.console)
        journal = JournalSink(
            JournalDirectory(pod.journal), machineID: configuration.machineID, options: options.journal
        ) { errors.notice("stage1: warning: \($0)") }
        logs = LogFiles(pod) { errors.notice("stage1: warning: \($0)") }
        for app in configuration.apps where app.marksErrors { logs.begin(app.name) }
        apps = Set(configuration.apps.map(\.name))
        caller = CallerTerminal(
            isInteractive: options.interactiveApp != nil, input: options.input, output: options.output,
            escape: options.escape)
        if caller.isRaw { errors.lineEnd = "\r\n" }
        outcome.unfinished = configuration.apps.map(\.name)
        ledger.mark("vmm")
    }

    /// Supervises until the machine has ended.
    ///
    /// - Returns: the pod's exit status.
    package func run() throws -> Int32 {
        defer { finish() }
        while machineIsRunning { try turn() }
        drainMachine()
        journal.finish()
        manager?.ended(outcome)
        finishAttachments()
        endClients()
        tellLeftOut()
        try finishOutput()
        return outcome.status
    }

    private func finish() {
        caller.restore()
        errors.lineEnd = "\n"
        console.close()
        if let registrar { options.listing?.end(registrar) }
        machine.release()
        ledger.mark("end")
        try? ledger.write(to: pod.startLedger)
    }

    private var machineIsRunning: Bool {
        guard let exit = try? machine.process.poll() else { return true }
        machineEnded(exit)
        return false
    }

    private func machineEnded(_ exit: ProcessExit) {
        ledger.mark("machine-ended")
        phase = .ending
        manager?.stopping()
        readControl()
        if outcome.failure == nil, !guestPoweredOff { outcome.failure = .hypervisorDied(exit) }
        outcome.lackedMemory = ControlGroups.memoryKillsOfCaller() > memoryKills
    }

    /// What the guest had written before its end is still in the sockets.
    private func drainMachine() {
        let deadline = Clock.milliseconds + 2000
        while agentPortIsOpen, Clock.milliseconds < deadline { if !receiveFromAgent() { break } }
        while consoleIsOpen, Clock.milliseconds < deadline { if !receiveFromConsole() { break } }
    }

    /// Gives the caller what is left, for as long as somebody reads it; a signal gives up.
    func finishOutput() throws {
        while !hasGivenUp {
            var sources: [(FileDescriptor, Poll.Interest)] = []
            if !caller.outbox.isEmpty, caller.outputIsOpen { sources.append((caller.output, .write)) }
            if errors.isWaiting { sources.append((errors.descriptor, .write)) }
            guard !sources.isEmpty else { return }
            _ = try Poll.wait(sources + [(signals.descriptor, .read)], timeout: nil)
            flushCaller()
            errors.flush()
            while let signal = try signals.next() { if signal != SIGWINCH { hasGivenUp = true } }
        }
    }

    // MARK: - One turn

    enum Source {
        case boot, agent, console, control, process, shareServer(ChildProcess), signals, listener, journal, manager
        case input, output, errors, client(SupervisorClient), endpoint(AppStreams, AppStreams.Endpoint)
    }

    private func turn() throws {
        let sources = self.sources
        let ready = try Poll.wait(sources.map { ($0.1, $0.2) }, timeout: timeout)
        for (index, interest) in ready { try handle(sources[index].0, interest) }
        // Lines that nobody reads are dropped.
        if !caller.outputIsOpen { flushCaller() }
        returnEntryCredit()
        for client in clients { advance(client) }
        clients.removeAll { client in
            guard client.isEnding, client.outbox.isEmpty else { return false }
            try? client.socket.close()
            return true
        }
        checkDeadline()
    }

    private var sources: [(Source, FileDescriptor, Poll.Interest)] {
        let machineEnds = machine.descriptors
        var sources: [(Source, FileDescriptor, Poll.Interest)] = [
            (.signals, signals.descriptor, .read), (.process, machine.process.pidfd, .read),
        ]
        if lostServer == nil { sources += machine.shareServers.map { (.shareServer($0), $0.pidfd, .read) } }
        if controlIsOpen { sources.append((.control, machineEnds.control, .read)) }
        if consoleIsOpen { sources.append((.console, machineEnds.console, .read)) }
        if bootPortIsOpen {
            sources.append((.boot, machineEnds.bootPort, bootOutbox.isEmpty ? .read : [.read, .write]))
        }
        // What the guest says may have to be answered: one that takes no answers is not listened to.
        let hasRoom = agentOutbox.count < options.agentOutbox
        if agentPortIsOpen {
            var interest: Poll.Interest = hasRoom ? .read : []
            if !agentOutbox.isEmpty { interest.insert(.write) }
            sources.append((.agent, machineEnds.agentPort, interest))
        }
        if clients.count < Limit.clients {
            sources.append((.listener, listener, .read))
            // Programs that say more than an app takes must not keep others from changing the pod.
            if clients.count(where: \.isRaw) < Limit.endpointClients {
                for app in streams { sources += app.endpoints.map { (.endpoint(app, $0), $0.listener, .read) } }
            }
        }
        for client in clients where client.isPolled {
            var interest: Poll.Interest = client.outbox.isEmpty ? [] : .write
            if hasRoom, client.isHeard { interest.insert(.read) }
            sources.append((.client(client), client.socket, interest))
        }
        if let input = caller.inputToRead(isConnected: agentIsConnected && hasRoom) {
            sources.append((.input, input, .read))
        }
        if !caller.outbox.isEmpty, caller.outputIsOpen { sources.append((.output, caller.output, .write)) }
        if errors.isWaiting { sources.append((.errors, errors.descriptor, .write)) }
        if let input = journal.input { sources.append((.journal, input, .write)) }
        if let socket = manager?.waitsFor { sources.append((.manager, socket, .write)) }
        return sources
    }

    private func handle(_ source: Source, _ ready: Poll.Interest) throws {
        let isReadable = ready.contains(.read) || !ready.isDisjoint(with: .hangUp)
        switch source {
        case .boot:
            if isReadable { receiveFromShim() }
            if case .closed = bootOutbox.flush(to: machine.descriptors.bootPort) { bootOutbox.clear() }
        case .agent:
            if isReadable { _ = receiveFromAgent() }
            flushAgent()
        case .console: _ = receiveFromConsole()
        case .control: readControl()
        case .process: break
        case .shareServer(let server):
            // A server ends by itself when the hypervisor lets go of it, which may be seen before the hypervisor's own end.
            guard let exit = try server.poll(), lostServer == nil else { return }
            readControl()
            let patience =
                guestPoweredOff
                ? Limit.releasePatience : exit == .exited(0) ? Limit.farewellPatience : Limit.hypervisorPatience
            lostServer = (exit, Clock.milliseconds + patience)
        case .signals: while let signal = try signals.next() { receive(signal) }
        case .listener: accept()
        case .input: receiveInput()
        case .output: flushCaller()
        case .errors: errors.flush()
        case .journal: journal.flush()
        case .manager: manager?.flush()
        case .client(let client): serve(client, ready)
        case .endpoint(let app, let endpoint): accept(endpoint, of: app)
        }
    }
}
