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
    package var process: ChildProcess { emulator }
    package var shareServers: [ChildProcess] { servers }

    private let emulator: ChildProcess
    private let servers: [ChildProcess]
    private let control: QMPChannel
    private let log: MachineLog
    /// Events that came with the replies of the launch.
    private var early: [MachineEvent]
    private var isReleased = false
    /// The end of the log when the machine was released.
    private var lastWords = ""

    /// Milliseconds a virtiofsd gets to end by itself once QEMU has.
    private static let serverPatience = 2000

    init(
        plan: QEMUCommandLine, version: String, descriptors: MachineDescriptors, emulator: ChildProcess,
        servers: [ChildProcess], control: QMPChannel, early: [MachineEvent], log: MachineLog
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
        let exit = try emulator.wait()
        if !isReleased { endServers() }
        return exit
    }

    package func stop(_ mode: StopMode) throws {
        guard !isReleased, try emulator.poll() == nil else { return }
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
            throw RuntimeError(.timeout, "qemu (process \(emulator.pid)) does not end although it was killed")
        }
    }

    package func release() {
        guard !isReleased else { return }
        isReleased = true
        emulator.kill()
        endServers()
        lastWords = log.tail()
        for descriptor in [
            descriptors.bootPort, descriptors.agentPort, descriptors.console, descriptors.control, log.file,
        ] {
            try? descriptor.close()
        }
        emulator.close()
        for server in servers { server.close() }
    }

    package func diagnostics() -> String { isReleased ? lastWords : log.tail() }

    private func requireRunning() throws {
        guard !isReleased else { throw RuntimeError(.invalidState, "machine \(id) has been released") }
    }

    /// The servers end when QEMU's connection closes; one that does not is killed.
    private func endServers() {
        let deadline = Clock.milliseconds + Self.serverPatience
        for server in servers where (try? server.wait(until: deadline)) == nil { server.kill() }
    }
}
