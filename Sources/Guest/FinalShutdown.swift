// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims

/// The end of the guest, after the apps have stopped and their statuses are on the host.
enum FinalShutdown {
    /// Writes everything out and powers off.
    static func powerOff() -> Never {
        // Writing out what the host's other processes have written would take long, and what is the pod's stays there.
        if !HostPort.isInContainer { sync() }
        _ = rkt_power_off()
        exit(1)
    }

    /// As systemd-shutdown(8), which the manager becomes at its end: ends what is left first.
    static func asManager() -> Never {
        kill(-1, SIGTERM)
        kill(-1, SIGKILL)
        powerOff()
    }
}
