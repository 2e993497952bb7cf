// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `-chardev socket`: a stream over a connected socket that QEMU inherits.
struct QEMUCharacterDevice: QEMUOption {
    let id: String
    /// The socket's number in QEMU.
    let descriptor: Int

    var arguments: [QEMUArgument] {
        [QEMUArgument("-chardev", QEMUProperties("socket", ["id": id, "fd": "\(descriptor)"]))]
    }
}
