// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What a backend can do, asked before anything is created, so that callers branch on an ability and never on a name.
package struct HypervisorCapabilities: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The pod runs on a kernel of its own.
    package static let ownKernel = HypervisorCapabilities(rawValue: 1 << 0)
    /// The pod can be given a range of user ids of its own.
    package static let userNamespaces = HypervisorCapabilities(rawValue: 1 << 1)
    /// Apps can be added to and removed from a running pod.
    package static let mutablePods = HypervisorCapabilities(rawValue: 1 << 2)
    /// The pod can share the host's network.
    package static let hostNetwork = HypervisorCapabilities(rawValue: 1 << 3)
    /// The exit status of an app becomes that of the pod.
    package static let preservesExitStatus = HypervisorCapabilities(rawValue: 1 << 4)
    /// A running pod can be frozen and resumed.
    package static let pause = HypervisorCapabilities(rawValue: 1 << 5)
    /// Directories can be shared by virtiofs; without it all go over 9p.
    package static let virtiofs = HypervisorCapabilities(rawValue: 1 << 6)
    /// The kernel can be a plain ELF file on x86; without it, it has to be a bzImage.
    package static let executableKernel = HypervisorCapabilities(rawValue: 1 << 7)
    /// An agent runs beside the apps and reports to a supervisor: apps have units, isolators and exit statuses.
    package static let agent = HypervisorCapabilities(rawValue: 1 << 8)
    /// Directories can be shared by virtiofs only: the hypervisor serves no files itself.
    package static let virtiofsOnly = HypervisorCapabilities(rawValue: 1 << 9)
    /// The pod's processes get the contexts of SELinux that are chosen for it.
    package static let labels = HypervisorCapabilities(rawValue: 1 << 10)
}
