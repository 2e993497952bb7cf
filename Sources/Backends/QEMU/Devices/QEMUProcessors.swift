// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `-smp`: one socket whose cores are the virtual processors.
struct QEMUProcessors: QEMUOption {
    let count: Int

    var arguments: [QEMUArgument] {
        [
            QEMUArgument(
                "-smp", QEMUProperties("\(count)", ["sockets": "1", "cores": "\(count)", "threads": "1"]))
        ]
    }
}
