// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import HostSystemd

// Whatever the bus does, nobody waits longer.
alarm(15)
do {
    try MachineRegistration(parsing: Array(CommandLine.arguments.dropFirst())).perform()
} catch {
    fputs("stage1: warning: systemd-machined does not list the pod as it is: \(error)\n", stderr)
    exit(1)
}
