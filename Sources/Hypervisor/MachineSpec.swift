// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// Everything a backend needs to know to build a pod's machine; says nothing about how a backend does it.
package struct MachineSpec: Sendable, Equatable {
    /// A short name for process lists and logs; letters, digits, `-`, `.` and `_`.
    package var name: String
    /// The pod's UUID in its canonical form; the guest's firmware tables show it.
    package var uuid: String
    /// Guest memory in MiB.
    package var memory: Int
    /// Number of virtual processors.
    package var processors: Int
    package var kernel: GuestKernel
    /// What the kernel is booted with, the user's own parameters included.
    package var commandLine: KernelCommandLine
    package var root: RootFilesystem
    package var shares: [Share]
    package var network: NetworkAttachment
    package var accelerator: AcceleratorPolicy
    /// The machine type; nil for what the backend has for the architecture.
    package var profile: MachineProfile?
    package var architecture: GuestArchitecture
    /// What the pod is not started without.
    package var minimumIsolation: IsolationLevel?
    /// Descriptors, such as the pod lock, that the machine's processes keep open for as long as they live.
    package var inheritedDescriptors: [FileDescriptor]
    /// The user and group the hypervisor runs as; nil for those of this process, which cannot change them.
    package var user: UInt32?
    /// Where the machine's processes run and short-lived sockets are made: the pod directory.
    package var workingDirectory: FilePath
    /// The file that takes what the machine's processes print; appended to, made if missing.
    package var log: FilePath

    /// What the machine has in place of the host's users, where it shares the host's kernel; nil for the host's. All that
    /// it gets to see is shown with these ids already.
    package var users: UserRange?
    /// The contexts of SELinux that its processes run in; nil for those that the host gives them.
    package var labels: PodLabels?
    /// Settings of the machine's network, by their paths below `/proc/sys`, that it cannot change itself.
    package var networkSettings: [NetworkSetting] = []

    /// One setting of a network (sysctl(2)).
    package struct NetworkSetting: Sendable, Equatable {
        /// Begins with `net/`.
        package let path: String
        package let value: String

        package init(path: String, value: String) {
            self.path = path
            self.value = value
        }
    }

    /// The interfaces that the machine is given; none where it has a network of the host's.
    package var interfaces: [MachineInterface] {
        get { if case .interfaces(let interfaces) = network { interfaces } else { [] } }
        set { network = .interfaces(newValue) }
    }

    package init(
        name: String, uuid: String, memory: Int, processors: Int, kernel: GuestKernel, commandLine: KernelCommandLine,
        root: RootFilesystem, shares: [Share] = [], network: NetworkAttachment = .interfaces([]),
        accelerator: AcceleratorPolicy = .auto, profile: MachineProfile? = nil,
        architecture: GuestArchitecture = .host, minimumIsolation: IsolationLevel? = nil,
        inheritedDescriptors: [FileDescriptor] = [], user: UInt32? = nil, workingDirectory: FilePath, log: FilePath
    ) {
        self.name = name
        self.uuid = uuid
        self.memory = memory
        self.processors = processors
        self.kernel = kernel
        self.commandLine = commandLine
        self.root = root
        self.shares = shares
        self.network = network
        self.accelerator = accelerator
        self.profile = profile
        self.architecture = architecture
        self.minimumIsolation = minimumIsolation
        self.inheritedDescriptors = inheritedDescriptors
        self.user = user
        self.workingDirectory = workingDirectory
        self.log = log
    }
}
