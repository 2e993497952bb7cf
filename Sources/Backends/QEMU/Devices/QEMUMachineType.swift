// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `-machine`: a q35 without the controllers that nothing of ours hangs on; each left out saves the guest a probe.
struct QEMUMachineType: QEMUOption {
    /// The memory object that is the machine's RAM.
    let memory: String

    var arguments: [QEMUArgument] {
        [
            QEMUArgument(
                "-machine",
                QEMUProperties(
                    "q35",
                    [
                        "memory-backend": memory, "usb": "off", "sata": "off", "smbus": "off", "vmport": "off",
                        // A core dump of the supervisor's child must not hold the guest's memory.
                        "dump-guest-core": "off",
                    ]))
        ]
    }
}
