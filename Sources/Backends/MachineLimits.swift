// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import LinuxPlatform

/// What the processes of a machine may have of the host at most.
enum MachineLimits {
    /// Memory of the guest is not written to the host's disk when a process ends badly.
    static let server = [ResourceLimit(.core, 0)]

    /// Those of a hypervisor. There is none of memory: it maps more than it uses.
    static func hypervisor(of spec: MachineSpec) -> [ResourceLimit] {
        let servesFiles = spec.shares.contains { if case .plan9 = $0 { true } else { false } }
        var limits = server
        // Over 9p each file that a guest has open is one.
        if !servesFiles { limits.append(ResourceLimit(.nofile, 4096)) }
        // Threads count, and those of other programs of the user.
        if spec.user != nil { limits.append(ResourceLimit(.nproc, 512)) }
        return limits + [ResourceLimit(.memlock, 0), ResourceLimit(.msgqueue, 0)]
    }

    /// In words, for a survey.
    static let words = "core 0, nofile 4096 without volumes over 9p, nproc 512, memlock 0, msgqueue 0"

    /// A line of a plan.
    static func line(_ limits: [ResourceLimit]) -> String {
        "limits: " + limits.map(\.description).joined(separator: ", ")
    }
}
