// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `-m` and the `memory-backend-memfd` behind it: anonymous memory that share servers can map.
struct QEMUMemory: QEMUOption {
    let id = "memory"
    /// MiB.
    let size: Int

    var arguments: [QEMUArgument] {
        [
            QEMUArgument("-m", QEMUProperties(nil, ["size": "\(size)M"])),
            QEMUArgument(
                "-object",
                QEMUProperties("memory-backend-memfd", ["id": id, "size": "\(size)M", "share": "on"])),
        ]
    }
}
