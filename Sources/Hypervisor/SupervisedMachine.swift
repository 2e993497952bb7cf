// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// A machine in which the pod's agent runs.
///
/// Its supervisor is one poll(2) loop: it waits on `descriptors` and the pidfds of `process` and `shareServers`, reads
/// and writes the ports itself, and calls `readControlEvents()` when the control descriptor is readable.
package protocol SupervisedMachine: Machine {
    /// What the supervisor polls; owned by the machine and closed by `release()`.
    var descriptors: MachineDescriptors { get }
    /// The hypervisor, or what stands in its place.
    var process: ChildProcess { get }
    /// The processes that serve shares: when one ends before the hypervisor, its share hangs in the guest and the
    /// machine has to be ended.
    var shareServers: [ChildProcess] { get }
    /// The process that the guest would take over: the hypervisor, or a container's first one; nil while there is none.
    var confinedProcess: Int32? { get }
    /// The hypervisor's name for its own version, to be recorded with the pod.
    var hypervisorVersion: String { get }

    /// What the hypervisor has reported since the last call. Never blocks and reads a bounded amount. After
    /// `.controlClosed` nothing more comes: stop polling the control descriptor.
    ///
    /// - Throws: when the hypervisor speaks nonsense; the machine should then be ended.
    func readControlEvents() throws -> [MachineEvent]

    /// The last lines the machine's processes printed, to be quoted in an error; empty when they were silent. Also
    /// told after `release()`.
    func diagnostics() -> String
}

extension SupervisedMachine {
    package var confinedProcess: Int32? { process.pid }
}

/// A machine with a guest kernel of its own.
package protocol VirtualMachine: SupervisedMachine {
    /// The accelerator in use and, where it is not the best one, why.
    var accelerator: AcceleratorChoice { get }

    /// Lets the guest see its power button pressed. Returns at once.
    ///
    /// - Throws: `.unsupported` when the machine has none.
    func pressPowerButton() throws
}

/// The supervisor's ends of a machine's channels; all non-blocking.
package struct MachineDescriptors: Sendable, Equatable {
    /// The stream to the guest's first program (`MachinePort.boot`).
    package let bootPort: FileDescriptor
    /// The stream to the guest's agent (`MachinePort.agent`).
    package let agentPort: FileDescriptor
    /// What the guest writes to its serial console; what is written here is typed on it.
    package let console: FileDescriptor
    /// The hypervisor's control channel. Read it through `readControlEvents()` only.
    package let control: FileDescriptor
    /// A byte that reaches the guest by the ports only when it is written twice: alone it speaks to the hypervisor.
    package let portEscape: UInt8?

    package init(
        bootPort: FileDescriptor, agentPort: FileDescriptor, console: FileDescriptor, control: FileDescriptor,
        portEscape: UInt8? = nil
    ) {
        self.bootPort = bootPort
        self.agentPort = agentPort
        self.console = console
        self.control = control
        self.portEscape = portEscape
    }
}

/// The names of the ports: those of virtio-serial, as the guest finds them in `/sys/class/virtio-ports/*/name`, or where
/// there is none, kernel parameters that name a serial port each, such as `rkt.boot=ttyS1`.
package enum MachinePort {
    package static let boot = "rkt.boot"
    package static let agent = "rkt.agent"
}

/// A kernel parameter that tells the guest how its machine ends, where that is not by powering off.
package enum MachineEnd {
    package static let parameter = "rkt.end"
    package static let restart = "restart"
}
