// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor

/// The serial port that carries the boot log: it works before any driver of the guest's.
struct QEMUConsole: QEMUOption {
    let stream: QEMUCharacterDevice
    let architecture: GuestArchitecture

    var arguments: [QEMUArgument] {
        switch architecture {
        case .x86_64:
            stream.arguments + [QEMUArgument("-device", QEMUProperties("isa-serial", ["chardev": stream.id]))]
        case .aarch64:
            // The PL011 is part of the machine; all that can be said is what it is connected to.
            stream.arguments + [QEMUArgument("-serial", "chardev:\(stream.id)")]
        }
    }
}
