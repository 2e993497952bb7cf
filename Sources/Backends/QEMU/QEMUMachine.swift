// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// A running QEMU and the virtiofsds beside it.
package final class QEMUMachine: VirtualMachine {
    package let id: String
    package let accelerator: AcceleratorChoice
    package let hypervisorVersion: String
    package let descriptors: MachineDescriptors
    package var process: ChildProcess { emulator.child }
    package var shareServers: [ChildProcess] { servers.map(\.child) }

    private let emulator: WatchedProcess
    private let servers: [WatchedProcess]
    private let control: QMPChannel
    private let log: MachineLog
    /// Events that came with the replies of the launch.
    private var early: [MachineEvent]
    private var isReleased = false

    /// Milliseconds a virtiofsd gets to end by itself once QEMU has.
    private static let serverPatience = 2000

    init(
        plan: QEMUCommandLine, version: String, descriptors: MachineDescriptors, emulator: WatchedProcess,
        servers: [WatchedProcess], control: QMPChannel, early: [MachineEvent], log: MachineLog
    ) {
        self.id = plan.id
        self.accelerator = plan.accelerator
        self.hypervisorVersion = version
        self.descriptors = descriptors
        self.emulator = emulator
        self.servers = servers
        self.control = control
        self.early = early
        self.log = log
    }

    deinit { release() }

    package func readControlEvents() throws -> [MachineEvent] {
        guard !isReleased else { return [] }
        var events = early
        early = []
        let wasClosed = control.isClosed
        for case .event(let name, let data) in try control.receive() {
            if let event = MachineEvent(qmp: name, data: data) { events.append(event) }
        }
        if control.isClosed, !wasClosed { events.append(.controlClosed) }
        return events
    }

    package func pressPowerButton() throws {
        try requireRunning()
        try control.send(command: "system_powerdown")
    }

    package func wait() throws -> ProcessExit {
        if let exit = emulator.exit { return exit }
        try requireRunning()
        let exit = try emulator.wait()
        endServers()
        return exit
    }

    package func stop(_ mode: StopMode) throws {
        guard !isReleased, emulator.exit == nil else { return }
        if case .orderly(let steps) = mode {
            for step in steps {
                let deadline = Clock.milliseconds + step.milliseconds
                switch step.action {
                // A QEMU that takes no command is about to end, or gets the next step.
                case .powerButton: try? pressPowerButton()
                case .terminate: try emulator.signal(15)
                }
                if try emulator.wait(until: deadline) != nil { return endServers() }
            }
        }
        let hasEnded = emulator.kill()
        endServers()
        guard hasEnded else {
            throw RuntimeError(.timeout, "qemu (process \(emulator.child.pid)) does not end although it was killed")
        }
    }

    package func release() {
        guard !isReleased else { return }
        isReleased = true
        emulator.kill()
        endServers()
        for descriptor in [
            descriptors.bootPort, descriptors.agentPort, descriptors.console, descriptors.control, log.file,
        ] {
            try? descriptor.close()
        }
        emulator.child.close()
        for server in servers { server.child.close() }
    }

    package func diagnostics() -> String { isReleased ? "" : log.tail() }

    private func requireRunning() throws {
        guard !isReleased else { throw RuntimeError(.invalidState, "machine \(id) has been released") }
    }

    /// The servers end when QEMU's connection closes; one that does not is killed.
    private func endServers() {
        let deadline = Clock.milliseconds + Self.serverPatience
        for server in servers where (try? server.wait(until: deadline)) == nil { server.kill() }
    }
}

extension TeardownStep {
    fileprivate var milliseconds: Int {
        let (seconds, attoseconds) = patience.components
        return Int(clamping: seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
