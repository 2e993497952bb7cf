// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import Hypervisor
import LinuxPlatform
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
        /// Bytes for the guest before clients and input are not read any more.
        static let agentOutbox = 1 << 20
        static let terminalSession: UInt32 = 1
        /// Milliseconds between the end of a share's server and that of the hypervisor, when the latter ends in order.
        static let hypervisorPatience = 1000
        /// The same for a guest that has powered off.
        static let releasePatience = 10_000
    }

    let pod: PodLayout
    let configuration: PodConfiguration
    let machine: any VirtualMachine
    let options: Options
    let signals: SignalDescriptor
    let listener: FileDescriptor

    var phase: Phase
    var ledger: StartLedger
    var console: ConsoleLog
    var bootDecoder = FrameDecoder()
    var agentDecoder = FrameDecoder()
    var bootOutbox = Outbox()
    var agentOutbox = Outbox()
    /// False before the shim's HELLO, and once the shim has closed its side.
    var bootPortIsOpen = true
    var agentIsConnected = false
    var agentPortIsOpen = true
    var controlIsOpen = true
    var consoleIsOpen = true
    var clients: [SupervisorClient] = []
    var nextSession = Limit.terminalSession + 1
    var outcome = PodOutcome()
    var recorded: Set<String> = []
    var guestPoweredOff = false
    /// How a share's server ended, and until when the hypervisor may still follow it.
    private var lostServer: (exit: ProcessExit, deadline: Int)?
    /// Orderly stop asked for before the agent could be told.
    var stopIsPending = false
    var caller: CallerTerminal

    package init(
        pod: PodLayout, configuration: PodConfiguration, machine: any VirtualMachine, listener: FileDescriptor,
        signals: SignalDescriptor, options: Options, origin: UInt64
    ) {
        self.pod = pod
        self.configuration = configuration
        self.machine = machine
        self.listener = listener
        self.signals = signals
        self.options = options
        phase = .booting(deadline: Clock.milliseconds + options.bootPatience)
        ledger = StartLedger(origin: origin)
        console = ConsoleLog(path: pod.directory.appending("console.log"))
        caller = CallerTerminal(isInteractive: options.interactiveApp != nil)
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
        try finishOutput()
        return outcome.status
    }

    /// Explains an end that the apps' statuses do not.
    package func report(_ line: (String) -> Void) {
        guard let message = outcome.message else { return }
        line(message)
        switch outcome.failure {
        case .guestPanicked, .bootTimedOut, .hypervisorDied:
            for text in console.lastLines(12) { line("  console: \(text)") }
            for text in machine.diagnostics().split(separator: "\n").suffix(5) { line("  hypervisor: \(text)") }
        default: break
        }
    }

    private func finish() {
        caller.restore()
        console.close()
        machine.release()
        ledger.mark("end")
        try? ledger.write(to: pod.startLedger)
        try? FileSystem.remove(pod.agentSocket)
    }

    private var machineIsRunning: Bool {
        guard let exit = try? machine.process.poll() else { return true }
        machineEnded(exit)
        return false
    }

    private func machineEnded(_ exit: ProcessExit) {
        ledger.mark("machine-ended")
        phase = .ending
        readControl()
        if outcome.failure == nil, !guestPoweredOff { outcome.failure = .hypervisorDied(exit) }
    }

    /// What the guest had written before its end is still in the sockets.
    private func drainMachine() {
        let deadline = Clock.milliseconds + 2000
        while agentPortIsOpen, Clock.milliseconds < deadline { if !receiveFromAgent() { break } }
        while consoleIsOpen, Clock.milliseconds < deadline { if !receiveFromConsole() { break } }
    }

    /// Gives the caller what is left, for as long as somebody reads it; a signal gives up.
    private func finishOutput() throws {
        while !caller.outbox.isEmpty, caller.outputIsOpen {
            let ready = try Poll.wait([(caller.output, .write), (signals.descriptor, .read)], timeout: nil)
            for (index, _) in ready {
                if index == 1 { return }
                flushCaller(most: 4096)
            }
        }
    }

    // MARK: - One turn

    enum Source {
        case boot, agent, console, control, process, shareServer(ChildProcess), signals, listener
        case input, output, client(SupervisorClient)
    }

    private func turn() throws {
        let sources = self.sources
        let ready = try Poll.wait(sources.map { ($0.1, $0.2) }, timeout: timeout)
        for (index, interest) in ready { try handle(sources[index].0, interest) }
        // Lines that nobody reads are dropped, and the guest may send more.
        if !caller.outputIsOpen { flushCaller() }
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
        if agentPortIsOpen {
            // A full queue to the caller stops the reading: the guest's credit ends before it grows further.
            sources.append((.agent, machineEnds.agentPort, agentOutbox.isEmpty ? .read : [.read, .write]))
        }
        let acceptsInput = agentIsConnected && agentOutbox.count < Limit.agentOutbox
        if clients.count < Limit.clients { sources.append((.listener, listener, .read)) }
        for client in clients {
            var interest: Poll.Interest = client.outbox.isEmpty ? [] : .write
            if acceptsInput, !client.isEnding { interest.insert(.read) }
            sources.append((.client(client), client.socket, interest))
        }
        if let input = caller.inputToRead(isConnected: agentIsConnected) { sources.append((.input, input, .read)) }
        if !caller.outbox.isEmpty, caller.outputIsOpen { sources.append((.output, caller.output, .write)) }
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
            let patience = guestPoweredOff ? Limit.releasePatience : Limit.hypervisorPatience
            lostServer = (exit, Clock.milliseconds + patience)
        case .signals: while let signal = try signals.next() { receive(signal) }
        case .listener: accept()
        case .input: receiveInput()
        case .output: flushCaller(most: 4096)
        case .client(let client): serve(client, ready)
        }
    }

    // MARK: - Time and stopping

    private var timeout: Int? {
        let deadline: Int? =
            switch phase {
            case .booting(let deadline), .stopping(let deadline): deadline
            case .running: nil
            case .ending: Clock.milliseconds + 5000
            }
        let next = [deadline, phase == .ending ? nil : lostServer?.deadline].compactMap { $0 }.min()
        return next.map { max(0, $0 - Clock.milliseconds) }
    }

    private func checkDeadline() {
        if let lostServer, phase != .ending, Clock.milliseconds >= lostServer.deadline {
            // A machine that powers off lets go of its shares first, and may need long to give its memory back.
            kill(guestPoweredOff ? nil : .shareServerDied(lostServer.exit))
        }
        switch phase {
        case .booting(let deadline) where Clock.milliseconds >= deadline: kill(.bootTimedOut)
        case .stopping(let deadline) where Clock.milliseconds >= deadline: kill(.killed)
        default: break
        }
    }

    func kill(_ failure: PodOutcome.Failure?) {
        if outcome.failure == nil { outcome.failure = failure }
        phase = .ending
        try? machine.process.signal(SIGKILL)
    }

    private func receive(_ signal: Int32) {
        switch signal {
        case SIGWINCH: resizeTerminal()
        case SIGQUIT: kill(.killed)
        default: stop()
        }
    }

    /// An orderly stop; asked for again, the machine is killed.
    private func stop() {
        ledger.mark("stop")
        switch phase {
        case .ending: break
        case .stopping: kill(.killed)
        case .booting, .running:
            phase = .stopping(deadline: Clock.milliseconds + options.stopPatience)
            stopIsPending = true
            tellAgentToStop()
        }
    }

    func tellAgentToStop() {
        guard stopIsPending, agentIsConnected else { return }
        stopIsPending = false
        sendToAgent(.stop)
    }

    private func readControl() {
        guard controlIsOpen else { return }
        let events: [MachineEvent]
        do {
            events = try machine.readControlEvents()
        } catch {
            controlIsOpen = false
            return
        }
        for event in events {
            switch event {
            case .guestShutdown: guestPoweredOff = true
            case .guestReset: if outcome.failure == nil { outcome.failure = .guestReset }
            case .guestPanicked: if outcome.failure == nil { outcome.failure = .guestPanicked }
            case .controlClosed: controlIsOpen = false
            case .hostShutdown, .stopped, .resumed, .diskError: break
            }
        }
        // A panicked guest may be left standing by its hypervisor.
        if outcome.failure == .guestPanicked, phase != .ending {
            while consoleIsOpen { if !receiveFromConsole() { break } }
            kill(nil)
        }
    }
}
