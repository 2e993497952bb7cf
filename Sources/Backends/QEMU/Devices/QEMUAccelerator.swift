// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor

/// `-accel` and the `-cpu` that goes with it.
struct QEMUAccelerator: QEMUOption {
    let accelerator: Accelerator
    let architecture: GuestArchitecture

    var arguments: [QEMUArgument] {
        switch accelerator {
        case .kvm:
            [QEMUArgument("-accel", "kvm"), QEMUArgument("-cpu", "host")]
        case .tcg:
            // A host thread for each virtual processor, and every feature that can be emulated.
            [
                QEMUArgument("-accel", QEMUProperties("tcg", ["thread": "multi"])),
                QEMUArgument("-cpu", everyFeature),
            ]
        }
    }

    private var everyFeature: QEMUProperties {
        switch architecture {
        case .x86_64: QEMUProperties("max")
        // Signing pointers by the architecture's own algorithm takes a good part of an emulated processor's time.
        case .aarch64: QEMUProperties("max", ["pauth-impdef": "on"])
        }
    }
}
