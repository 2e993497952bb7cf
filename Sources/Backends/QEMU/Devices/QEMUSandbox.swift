// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `-sandbox`: the system call filter. QEMU gets everything it needs by descriptor or before the filter is installed,
/// so it may not start programs, change users or move itself between processors.
struct QEMUSandbox: QEMUOption {
    var arguments: [QEMUArgument] {
        [
            QEMUArgument(
                "-sandbox",
                QEMUProperties(
                    "on",
                    ["obsolete": "deny", "elevateprivileges": "deny", "spawn": "deny", "resourcecontrol": "deny"]))
        ]
    }
}
