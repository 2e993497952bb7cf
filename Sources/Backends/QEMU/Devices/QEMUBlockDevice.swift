// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A read-only raw image as virtio block device. QEMU gets the open file and never learns its path (`-add-fd`).
struct QEMUBlockDevice: QEMUOption {
    let id: String
    /// The number of the image's descriptor in QEMU.
    let descriptor: Int
    /// The descriptor set it is put in; each has its own.
    let set: Int

    var arguments: [QEMUArgument] {
        [
            QEMUArgument("-add-fd", QEMUProperties(nil, ["fd": "\(descriptor)", "set": "\(set)"])),
            QEMUArgument(
                "-blockdev",
                QEMUProperties(
                    nil,
                    [
                        "driver": "raw", "node-name": id, "read-only": "on", "file.driver": "file",
                        "file.filename": "/dev/fdset/\(set)", "file.read-only": "on",
                    ])),
            QEMUArgument("-device", QEMUProperties("virtio-blk-pci", ["drive": id])),
        ]
    }
}
