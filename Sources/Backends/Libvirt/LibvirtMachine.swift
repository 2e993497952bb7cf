// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// A running domain, the program that keeps it, and the virtiofsds beside it.
///
/// The keeper stands in the place of the hypervisor: QEMU is libvirt's child. It is gone when the domain is, and the domain
/// is gone when it is; should libvirt fail to end QEMU, this does.
package final class LibvirtMachine: VirtualMachine {
    package let id: String
    package let accelerator: AcceleratorChoice
    package let hypervisorVersion: String
    package let descriptors: MachineDescriptors
    package var process: ChildProcess { keeper }
    package var shareServers: [ChildProcess] { servers }
    package var confinedProcess: Int32? { emulator?.pid }

    private let keeper: ChildProcess
    /// Nil when it had ended before it was looked for.
    private let emulator: ChildProcess?
    private let servers: [ChildProcess]
    private let control: QMPChannel
    private let log: MachineLog
    /// Messages that came with the first one.
    private var early: [QMPMessage]
    private var isReleased = false
    /// The end of the log when the machine was released.
    private var lastWords = ""

    /// Milliseconds for libvirt to end QEMU once the keeper is gone.
    private static let emulatorPatience = 3000
    /// Milliseconds a virtiofsd gets to end by itself once QEMU has.
    private static let serverPatience = 2000

    init(
        plan: LibvirtDomain, version: String, descriptors: MachineDescriptors, keeper: ChildProcess,
        emulator: ChildProcess?, servers: [ChildProcess], control: QMPChannel, early: [QMPMessage], log: MachineLog
    ) {
        self.id = plan.id
        self.accelerator = plan.accelerator
        self.hypervisorVersion = version
        self.descriptors = descriptors
        self.keeper = keeper
        self.emulator = emulator
        self.servers = servers
        self.control = control
        self.early = early
        self.log = log
    }

    deinit { release() }

    package func readControlEvents() throws -> [MachineEvent] {
        guard !isReleased else { return [] }
        let wasClosed = control.isClosed
        let messages = early + (try control.receive())
        early = []
        var events = messages.compactMap { message in
            if case .event(let name, let data) = message { Self.event(name, data) } else { nil }
        }
        if control.isClosed, !wasClosed {
            // A guest whose keeper is gone is not supervised any more.
            try? emulator?.signal(9)
            events.append(.controlClosed)
        }
        return events
    }

    /// QEMU's own events, which the keeper passes on.
    private static func event(_ name: String, _ data: JSONValue) -> MachineEvent? {
        // `virsh shutdown`: libvirt has pressed the power button, which the guest has not.
        name == "POWERDOWN" ? .stopRequested : MachineEvent(qmp: name, data: data)
    }

    package func pressPowerButton() throws {
        guard !isReleased else { throw RuntimeError(.invalidState, "machine \(id) has been released") }
        try control.send(command: "system_powerdown")
    }

    package func wait() throws -> ProcessExit {
        let exit = try keeper.wait()
        if !isReleased { try endOthers() }
        return exit
    }

    package func stop(_ mode: StopMode) throws {
        guard !isReleased, try keeper.poll() == nil else { return }
        if case .orderly(let steps) = mode {
            for step in steps {
                let deadline = Clock.milliseconds + step.milliseconds
                switch step.action {
                // A keeper that takes no command is about to end, or gets the next step.
                case .powerButton: try? pressPowerButton()
                case .terminate: try keeper.signal(15)
                }
                if try keeper.wait(until: deadline) != nil { return try endOthers() }
            }
        }
        let hasEnded = keeper.kill()
        try endOthers()
        guard hasEnded else {
            throw RuntimeError(
                .timeout, "the keeper of domain \(id) (process \(keeper.pid)) does not end although it was killed")
        }
    }

    package func release() {
        guard !isReleased else { return }
        isReleased = true
        keeper.kill()
        try? endOthers()
        lastWords = log.tail()
        for descriptor in [
            descriptors.bootPort, descriptors.agentPort, descriptors.console, descriptors.control, log.file,
        ] {
            try? descriptor.close()
        }
        for process in [keeper, emulator].compactMap({ $0 }) + servers { process.close() }
    }

    package func diagnostics() -> String { isReleased ? lastWords : log.tail() }

    /// QEMU is ended by libvirt, and the servers end when QEMU's connections close; what does not is killed.
    private func endOthers() throws {
        defer {
            let deadline = Clock.milliseconds + Self.serverPatience
            for server in servers where (try? server.wait(until: deadline)) == nil { server.kill() }
        }
        if let emulator { try LibvirtProcess.end(emulator, patience: Self.emulatorPatience) }
    }
}
