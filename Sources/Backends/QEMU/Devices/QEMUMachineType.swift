// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor

/// `-machine`: without the controllers that nothing of ours hangs on; each left out saves the guest a probe.
struct QEMUMachineType: QEMUOption {
    /// The memory object that is the machine's RAM.
    let memory: String
    let architecture: GuestArchitecture
    let accelerator: Accelerator

    var arguments: [QEMUArgument] {
        var machine = QEMUProperties(MachineProfile.standard(for: architecture).rawValue, ["memory-backend": memory])
        switch architecture {
        case .x86_64:
            for controller in ["usb", "sata", "smbus", "vmport"] { machine.append(controller, "off") }
        case .aarch64:
            // The newest interrupt controller that the host's KVM, or the emulation, has.
            machine.append("gic-version", accelerator == .kvm ? "host" : "max")
        }
        // A core dump of the supervisor's child must not hold the guest's memory.
        machine.append("dump-guest-core", "off")
        return [QEMUArgument("-machine", machine)]
    }
}
