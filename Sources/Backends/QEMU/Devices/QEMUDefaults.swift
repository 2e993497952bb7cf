// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What is left out and how the machine ends: nothing of QEMU's own choice, no display, no restart.
struct QEMUDefaults: QEMUOption {
    var arguments: [QEMUArgument] {
        [
            QEMUArgument("-nodefaults"),
            QEMUArgument("-no-user-config"),
            QEMUArgument("-display", "none"),
            // Processors stand still until the control channel is up, so that no event is missed.
            QEMUArgument("-S"),
            // A restart ends the machine. So does a panic, and QEMU's exit status then tells of it even where the
            // event on the control channel was not read.
            QEMUArgument("-action", QEMUProperties(nil, ["reboot": "shutdown", "panic": "exit-failure"])),
        ]
    }
}
