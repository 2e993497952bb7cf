// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// A running container.
package final class NspawnMachine: SupervisedMachine {
    package let id: String
    package let descriptors: MachineDescriptors
    package let process: ChildProcess
    package var shareServers: [ChildProcess] { [] }
    /// systemd-nspawn's child.
    package var confinedProcess: Int32? { ProcessChildren.first(of: process.pid) }
    package let hypervisorVersion = "systemd-nspawn"

    private let socket: GuestSocket
    private let log: MachineLog
    private let changes: NspawnHostChanges
    private var hasToldEnd = false
    private var isReleased = false
    /// The end of the log when the machine was released.
    private var lastWords = ""

    init(
        _ id: String, process: ChildProcess, socket: GuestSocket, console: FileDescriptor, log: MachineLog,
        _ changes: NspawnHostChanges
    ) {
        self.id = id
        self.process = process
        self.socket = socket
        self.log = log
        self.changes = changes
        descriptors = MachineDescriptors(
            bootPort: socket.boot, agentPort: socket.agent, console: console, control: socket.listener)
    }

    deinit { release() }

    /// systemd-nspawn tells by its own end how the container's first process ended: 0 after a power-off, 133 after a
    /// reboot.
    package func readControlEvents() throws -> [MachineEvent] {
        guard !isReleased, !hasToldEnd else { return [] }
        try socket.accept()
        guard let exit = try process.poll() else { return [] }
        hasToldEnd = true
        switch exit {
        case .exited(0): return [.guestShutdown, .controlClosed]
        case .exited(133): return [.guestReset, .controlClosed]
        case .exited, .signalled: return [.controlClosed]
        }
    }

    package func wait() throws -> ProcessExit { try process.wait() }

    package func stop(_ mode: StopMode) throws {
        guard !isReleased, try process.poll() == nil else { return }
        if case .orderly(let steps) = mode {
            for step in steps {
                // The first makes systemd-nspawn ask the container to power off, the second makes it end.
                try process.signal(15)
                if try process.wait(until: Clock.milliseconds + step.milliseconds) != nil { return }
            }
        }
        guard process.kill() else {
            throw RuntimeError(
                .timeout, "systemd-nspawn (process \(process.pid)) does not end although it was killed")
        }
    }

    package func release() {
        guard !isReleased else { return }
        isReleased = true
        process.kill()
        lastWords = log.tail()
        // What is left of the groups is tried again when the pod is collected.
        try? changes.undo()
        socket.close()
        try? descriptors.console.close()
        try? log.file.close()
        process.close()
    }

    package func diagnostics() -> String { isReleased ? lastWords : log.tail() }
}
