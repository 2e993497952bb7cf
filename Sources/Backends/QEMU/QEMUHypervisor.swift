// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor

/// Pods in virtual machines of the distribution's QEMU.
package struct QEMUHypervisor: Hypervisor {
    package let installation: QEMUInstallation
    package let accelerators: AcceleratorFacts

    package init(installation: QEMUInstallation, accelerators: AcceleratorFacts) {
        self.installation = installation
        self.accelerators = accelerators
    }

    /// The backend with what this host has.
    package static func probe() -> QEMUHypervisor {
        QEMUHypervisor(installation: .probe(), accelerators: .probe())
    }

    package var kind: HypervisorKind { .qemu }
    package var capabilities: HypervisorCapabilities { [.ownKernel, .preservesExitStatus] }
    package var acceptedAttachments: Set<NetworkAttachment.Kind> { [.interfaces] }

    package func launch(_ plan: QEMUCommandLine) throws -> any Machine {
        try QEMULaunch(plan).run()
    }
}
