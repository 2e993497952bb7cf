// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport

/// A machine without a guest: its process only sleeps, and the test holds the guest's ends of its channels.
final class FakeMachine: VirtualMachine, @unchecked Sendable {
    let id = "fake"
    let descriptors: MachineDescriptors
    let process: ChildProcess
    let shareServers: [ChildProcess] = []
    let accelerator = AcceleratorChoice(.tcg)
    let hypervisorVersion = "0"
    let bootPort: FileDescriptor
    let agentPort: FileDescriptor
    let console: FileDescriptor
    let control: FileDescriptor

    /// - Parameter portEscape: what has to be written to its ports twice.
    init(portEscape: UInt8? = nil) throws {
        let pairs = try (0..<4).map { _ in try UnixSocket.pair() }
        for (ours, theirs) in pairs { for end in [ours, theirs] { try UnixSocket.setNonBlocking(end) } }
        descriptors = MachineDescriptors(
            bootPort: pairs[0].0, agentPort: pairs[1].0, console: pairs[2].0, control: pairs[3].0,
            portEscape: portEscape)
        (bootPort, agentPort, console, control) = (pairs[0].1, pairs[1].1, pairs[2].1, pairs[3].1)
        process = try ChildProcess.spawn(
            SpawnRequest(path: "/bin/sleep", arguments: ["sleep", "1000"], parentDeathSignal: 0))
    }

    /// The guest has powered off.
    func powerOff() {
        try? FileSystem.writeAll([1], to: control)
        try? process.signal(SIGKILL)
    }

    /// The guest's kernel has panicked.
    func panic() throws { try FileSystem.writeAll([2], to: control) }

    /// Somebody on the host has asked for its end.
    func requestStop() throws { try FileSystem.writeAll([3], to: control) }

    func readControlEvents() throws -> [MachineEvent] {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = read(descriptors.control.rawValue, &bytes, bytes.count)
        return bytes.prefix(max(0, count)).map { byte in
            switch byte {
            case 2: .guestPanicked(nil)
            case 3: .stopRequested
            default: .guestShutdown
            }
        }
    }

    func pressPowerButton() throws {}
    func diagnostics() -> String { "" }
    func wait() throws -> ProcessExit { try process.wait() }
    func stop(_ mode: StopMode) throws { try process.signal(SIGKILL) }

    func release() {
        try? process.signal(SIGKILL)
        _ = try? process.wait()
    }

    deinit {
        release()
        process.close()
        for end in [bootPort, agentPort, console, control] { try? end.close() }
        let ours = descriptors
        for end in [ours.bootPort, ours.agentPort, ours.console, ours.control] { try? end.close() }
    }
}
