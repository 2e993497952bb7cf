// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What stands between the apps of a pod and its host, from the weakest to the strongest.
package enum IsolationLevel: String, Sendable, CaseIterable, Comparable {
    /// A root directory of their own. Everything else is the host's.
    case chroot
    /// Namespaces and control groups. The host's kernel answers their system calls.
    case container
    /// A kernel of their own, on a processor that a program emulates whose authors give no promise of security for it.
    case emulation
    /// A kernel of their own, kept apart by the host's processor. Whoever takes the hypervisor over has what its
    /// process may do.
    case virtualization
    /// The same, and the hypervisor runs as a user of its own behind a filter of system calls, without the right to open
    /// others' files: for hostile guests.
    case confined

    package static func < (left: IsolationLevel, right: IsolationLevel) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// What a pod needs to get this level.
    package var requirement: String {
        switch self {
        case .chroot: "any stage1 image gives it"
        case .container: "use a stage1 image that runs pods in namespaces or in virtual machines"
        case .emulation: "use a stage1 image that runs pods in virtual machines"
        case .virtualization:
            "it takes hardware virtualization: a /dev/kvm that can be opened and, on x86, a processor with vmx or svm"
        case .confined:
            "it takes hardware virtualization, a backend that filters its hypervisor's system calls, volumes over virtiofs, "
                + "and root, who alone can start it as another user"
        }
    }
}
