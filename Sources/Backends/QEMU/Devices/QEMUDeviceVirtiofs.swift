// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `vhost-user-fs-pci`: a share served by a virtiofsd that QEMU is connected to.
struct QEMUDeviceVirtiofs: QEMUOption {
    let tag: String
    let stream: QEMUCharacterDevice

    var arguments: [QEMUArgument] {
        stream.arguments
            + [
                QEMUArgument(
                    "-device",
                    // The queue is as long as a server takes: 128 requests, the default, are soon in flight.
                    QEMUProperties(
                        "vhost-user-fs-pci", ["chardev": stream.id, "tag": tag, "queue-size": "1024"]))
            ]
    }
}
