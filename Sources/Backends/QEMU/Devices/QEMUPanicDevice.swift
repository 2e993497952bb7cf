// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The device through which a guest's kernel tells that it has panicked.
struct QEMUPanicDevice: QEMUOption {
    var arguments: [QEMUArgument] { [QEMUArgument("-device", "pvpanic-pci")] }
}
