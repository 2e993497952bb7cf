// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A virtio entropy device fed by the host's random numbers: the first program of a guest without one waits a second.
struct QEMUEntropy: QEMUOption {
    var arguments: [QEMUArgument] {
        [
            QEMUArgument("-object", QEMUProperties("rng-builtin", ["id": "entropy"])),
            QEMUArgument("-device", QEMUProperties("virtio-rng-pci", ["rng": "entropy"])),
        ]
    }
}
