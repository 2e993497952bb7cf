// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// `-fsdev local` and `virtio-9p-pci`: a share that QEMU serves itself.
struct QEMUDevice9P: QEMUOption {
    let id: String
    let tag: String
    let source: FilePath
    let readOnly: Bool

    var arguments: [QEMUArgument] {
        var files = QEMUProperties(
            "local",
            [
                "id": id, "path": source.string,
                // Owners and modes are those the guest sees, so that host and guest agree on a volume.
                "security_model": "passthrough",
                // A volume may hold mounts: inode numbers of several file systems are made distinct.
                "multidevs": "remap",
            ])
        if readOnly { files.append("readonly", "on") }
        return [
            QEMUArgument("-fsdev", files),
            QEMUArgument("-device", QEMUProperties("virtio-9p-pci", ["fsdev": id, "mount_tag": tag])),
        ]
    }
}
