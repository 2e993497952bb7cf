// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The control channel: a monitor that speaks the QEMU Machine Protocol.
struct QEMUControl: QEMUOption {
    let stream: QEMUCharacterDevice

    var arguments: [QEMUArgument] {
        stream.arguments
            + [QEMUArgument("-mon", QEMUProperties(nil, ["chardev": stream.id, "mode": "control"]))]
    }
}
