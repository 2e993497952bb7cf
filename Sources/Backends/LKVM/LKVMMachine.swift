// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// A running lkvm.
package final class LKVMMachine: VirtualMachine {
    package let id: String
    package let accelerator = AcceleratorChoice(.kvm)
    package let hypervisorVersion: String
    package let descriptors: MachineDescriptors
    package var process: ChildProcess { emulator }
    package var shareServers: [ChildProcess] { [] }

    private let emulator: ChildProcess
    private let log: MachineLog
    private let home: FilePath
    private var controlIsClosed = false
    private var isReleased = false
    /// The end of the log when the machine was released.
    private var lastWords = ""

    /// Bytes of its messages that are read at a time.
    private static let portion = 16 << 10
    /// Milliseconds between the end of its messages and its own.
    private static let endPatience = 100

    init(
        plan: LKVMCommandLine, version: String, descriptors: MachineDescriptors, emulator: ChildProcess, log: MachineLog
    ) {
        self.id = plan.id
        self.hypervisorVersion = version
        self.descriptors = descriptors
        self.emulator = emulator
        self.log = log
        home = plan.home
    }

    deinit { release() }

    /// lkvm says nothing of its guest. Its end tells: a guest that restarts, as ours do at their end, ends it with status
    /// zero, and so does one that panics, whose apps have then not reported.
    package func readControlEvents() throws -> [MachineEvent] {
        guard !isReleased, !controlIsClosed else { return [] }
        var buffer = [UInt8](repeating: 0, count: Self.portion)
        do {
            // SAFETY: the buffer outlives the call, which writes at most its length.
            let count = try buffer.withUnsafeMutableBytes { try descriptors.control.read(into: $0) }
            if count > 0 {
                log.append(Array(buffer[..<count]))
                return []
            }
        } catch Errno.wouldBlock, Errno.interrupted {
            return []
        } catch {
            // As good as closed.
        }
        controlIsClosed = true
        let exit = try emulator.wait(until: Clock.milliseconds + Self.endPatience)
        return exit == .exited(0) ? [.guestShutdown, .controlClosed] : [.controlClosed]
    }

    package func pressPowerButton() throws {
        throw RuntimeError(.unsupported, "a machine of the lkvm backend has no power button")
    }

    package func wait() throws -> ProcessExit { try emulator.wait() }

    package func stop(_ mode: StopMode) throws {
        guard !isReleased, try emulator.poll() == nil else { return }
        if case .orderly(let steps) = mode {
            // There is no button that the guest could see, so the next step is due at once.
            for step in steps where step.action == .terminate {
                try emulator.signal(15)
                if try emulator.wait(until: Clock.milliseconds + step.milliseconds) != nil { return }
            }
        }
        guard emulator.kill() else {
            throw RuntimeError(.timeout, "lkvm (process \(emulator.pid)) does not end although it was killed")
        }
    }

    package func release() {
        guard !isReleased else { return }
        emulator.kill()
        while !controlIsClosed, let events = try? readControlEvents(), events.isEmpty {
            // A descendant that has kept its standard error open is not waited for.
            let ready = try? Poll.wait([(descriptors.control, .read)], timeout: Self.endPatience)
            if ready?.isEmpty != false { break }
        }
        isReleased = true
        lastWords = log.tail()
        for descriptor in [
            descriptors.bootPort, descriptors.agentPort, descriptors.console, descriptors.control, log.file,
        ] {
            try? descriptor.close()
        }
        emulator.close()
        try? FileSystem.removeTree(home)
    }

    package func diagnostics() -> String { isReleased ? lastWords : log.tail() }
}
