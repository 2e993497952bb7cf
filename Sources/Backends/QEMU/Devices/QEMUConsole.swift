// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The ISA serial port that carries the boot log: it works before any driver of the guest's.
struct QEMUConsole: QEMUOption {
    let stream: QEMUCharacterDevice

    var arguments: [QEMUArgument] {
        stream.arguments + [QEMUArgument("-device", QEMUProperties("isa-serial", ["chardev": stream.id]))]
    }
}
