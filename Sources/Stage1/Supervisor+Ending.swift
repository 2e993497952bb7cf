// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Hypervisor
import LinuxPlatform

/// Deadlines, signals, and what the hypervisor tells: all that ends a pod.
extension Supervisor {
    var timeout: Int? {
        let deadline: Int? =
            switch phase {
            case .booting(let deadline), .stopping(let deadline): deadline
            case .running: nil
            case .ending: Clock.milliseconds + 5000
            }
        let next = [
            deadline, phase == .ending ? nil : lostServer?.deadline, watchDeadline, appDeadline,
        ].compactMap { $0 }.min()
        return next.map { max(0, $0 - Clock.milliseconds) }
    }

    func checkDeadline() {
        keepWatch()
        checkAppDeadlines()
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

    func receive(_ signal: Int32) {
        switch signal {
        case SIGWINCH: resizeTerminal()
        case SIGQUIT: kill(.killed)
        // `machinectl poweroff` may be said again.
        case MachineSignal.halt, MachineSignal.powerOff: stopOnce()
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
            outcome.wasStoppedEarly = !isReady && !agentIsLost
            phase = .stopping(deadline: Clock.milliseconds + options.stopPatience)
            stopIsPending = true
            manager?.stopping()
            tellAgentToStop()
        }
    }

    /// The same for who does not mean more by asking again.
    private func stopOnce() {
        if case .stopping = phase { return }
        stop()
    }

    func tellAgentToStop() {
        guard stopIsPending, agentIsConnected else { return }
        stopIsPending = false
        sendToAgent(.stop)
    }

    func readControl() {
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
            case .stopRequested: stopOnce()
            case .controlClosed: controlIsOpen = false
            case .hostShutdown, .stopped, .resumed, .diskError: break
            }
        }
        // A panicked guest may be left standing by its hypervisor.
        if outcome.failure == .guestPanicked, phase != .ending {
            // Its other processors may still write.
            for _ in 0..<Limit.lastConsoleReads { if !consoleIsOpen || !receiveFromConsole() { break } }
            kill(nil)
        }
    }

    // MARK: - What is told of it

    /// Explains on standard error an end that the apps' statuses do not.
    package func report() throws {
        let postMortem = self.postMortem
        record(postMortem)
        guard let message = outcome.message else { return }
        errors.notice("stage1: \(message)\(refusal([message] + postMortem.console + postMortem.hypervisor))")
        // Where the guest has said why, its console is in the record for whoever wants to know more.
        if case .setUpFailed? = outcome.failure { return try finishOutput() }
        for text in postMortem.console { errors.notice("stage1:   console: \(text)") }
        for text in postMortem.hypervisor { errors.notice("stage1:   hypervisor: \(text)") }
        try finishOutput()
    }

    /// What may explain that a pod with a context of SELinux lacks a permission: its own words do not tell.
    private func refusal(_ words: [String]) -> String {
        guard let label = options.label, words.contains(where: { $0.contains("Permission denied") }) else { return "" }
        return "; it runs in the SELinux context \"\(label)\": \(SELinuxContext.remedy)"
    }

    /// The last that the guest's kernel and the hypervisor said, where that may explain the pod's end.
    private var postMortem: (console: [String], hypervisor: [String]) {
        switch outcome.failure {
        case .guestPanicked, .guestReset, .bootTimedOut, .setUpFailed, .hypervisorDied:
            (console.lastLines(12), machine.diagnostics().split(separator: "\n").suffix(5).map(String.init))
        default: ([], [])
        }
    }

    private func record(_ postMortem: (console: [String], hypervisor: [String])) {
        let end = EndRecord(
            cause: outcome.cause, status: outcome.status, message: outcome.message, console: postMortem.console,
            hypervisor: postMortem.hypervisor)
        do {
            try end.write(to: pod)
        } catch {
            errors.notice("stage1: cannot record how the pod ended: \(error)")
        }
    }
}
