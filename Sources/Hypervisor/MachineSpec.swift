// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

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
    package var attachments: [NetworkAttachment]
    package var accelerator: AcceleratorPolicy
    package var profile: MachineProfile
    /// Descriptors, such as the pod lock, that the machine's processes keep open for as long as they live.
    package var inheritedDescriptors: [FileDescriptor]
    /// The user and group the hypervisor runs as; nil for those of this process, which cannot change them.
    package var user: UInt32?
    /// Where the machine's processes run and short-lived sockets are made: the pod directory.
    package var workingDirectory: FilePath
    /// The file that takes what the machine's processes print; appended to, made if missing.
    package var log: FilePath

    package init(
        name: String, uuid: String, memory: Int, processors: Int, kernel: GuestKernel, commandLine: KernelCommandLine,
        root: RootFilesystem, shares: [Share] = [], attachments: [NetworkAttachment] = [],
        accelerator: AcceleratorPolicy = .auto, profile: MachineProfile = .q35,
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
        self.attachments = attachments
        self.accelerator = accelerator
        self.profile = profile
        self.inheritedDescriptors = inheritedDescriptors
        self.user = user
        self.workingDirectory = workingDirectory
        self.log = log
    }
}
