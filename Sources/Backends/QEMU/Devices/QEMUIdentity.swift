// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `-name` and `-uuid`: what the machine is called on the host and in the guest's firmware tables.
struct QEMUIdentity: QEMUOption {
    let name: String
    let uuid: String

    var arguments: [QEMUArgument] {
        [
            // Threads are named by what they do, for top(1) and perf(1).
            QEMUArgument("-name", QEMUProperties(nil, ["guest": name, "debug-threads": "on"])),
            QEMUArgument("-uuid", uuid),
        ]
    }
}
