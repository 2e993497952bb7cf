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

    /// Bytes of its messages that are read at a time, and how often at most: one that never stops is not alone here.
    private static let portion = 16 << 10
    private static let mostPortions = 64
    /// Milliseconds between the end of its messages and its own: it closes them by ending, which a busy host may draw out.
    private static let endPatience = 5000
    /// Milliseconds in which the messages of one that was killed end.
    private static let lastPatience = 100

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
    /// zero, and so does one that panics, whose apps have then not reported. Any other end is lkvm's own.
    package func readControlEvents() throws -> [MachineEvent] {
        guard !isReleased, !controlIsClosed else { return [] }
        // Asked before its words are read: after its end there are no more, whoever else has its standard error open.
        let ended = try emulator.poll()
        let isOpen = readWords()
        if isOpen, ended == nil { return [] }
        controlIsClosed = true
        let exit = try ended ?? emulator.wait(until: Clock.milliseconds + Self.endPatience)
        return exit == .exited(0) ? [.guestShutdown, .controlClosed] : [.controlClosed]
    }

    /// Keeps what it has said since the last time.
    ///
    /// - Returns: whether more may come.
    private func readWords() -> Bool {
        var buffer = [UInt8](repeating: 0, count: Self.portion)
        for _ in 0..<Self.mostPortions {
            do {
                // SAFETY: the buffer outlives the call, which writes at most its length.
                let count = try buffer.withUnsafeMutableBytes { try descriptors.control.read(into: $0) }
                guard count > 0 else { return false }
                log.append(Array(buffer[..<count]))
            } catch Errno.wouldBlock, Errno.interrupted {
                return true
            } catch {
                // As good as closed.
                return false
            }
        }
        return true
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
            let ready = try? Poll.wait([(descriptors.control, .read)], timeout: Self.lastPatience)
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
