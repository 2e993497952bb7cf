// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A balloon that returns pages the guest has freed to the host, and that gives way when the guest runs out of memory.
struct QEMUBalloon: QEMUOption {
    var arguments: [QEMUArgument] {
        [
            QEMUArgument(
                "-device",
                QEMUProperties("virtio-balloon-pci", ["free-page-reporting": "on", "deflate-on-oom": "on"]))
        ]
    }
}
