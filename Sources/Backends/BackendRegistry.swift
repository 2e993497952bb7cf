// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor

/// The backends that are built in: the only place that names them.
package enum BackendRegistry {
    /// The backend of a kind, after looking at what this host has for it.
    package static func hypervisor(_ kind: HypervisorKind) -> any Hypervisor {
        switch kind {
        case .qemu: QEMUHypervisor.probe()
        case .nspawn: NspawnHypervisor()
        }
    }

    /// What runs the pods of a stage1 image that does not say it.
    private static let standard = HypervisorKind.qemu

    /// The backend with a name, as stage1 annotations and configuration give it.
    ///
    /// - Throws: `.unsupported` for a name that none has.
    package static func hypervisor(named name: String?) throws -> any Hypervisor {
        guard let name else { return hypervisor(standard) }
        guard let kind = HypervisorKind(rawValue: name) else {
            let known = HypervisorKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw RuntimeError(.unsupported, "there is no hypervisor backend \"\(name)\"; this build has: \(known)")
        }
        return hypervisor(kind)
    }
}
