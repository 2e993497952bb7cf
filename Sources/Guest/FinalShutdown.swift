// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims

/// The end of the guest, after the apps have stopped and their statuses are on the host.
enum FinalShutdown {
    /// Ends the machine once the host has what the agent has said.
    static func powerOff() -> Never {
        GuestPort.drain(PortName.agent)
        endMachine()
    }

    /// Writes everything out and powers off, or restarts where the host has said that this is how the machine ends.
    static func endMachine() -> Never {
        // Writing out what the host's other processes have written would take long, and what is the pod's stays there.
        if !GuestPort.isInContainer { sync() }
        _ = endsByRestart ? rkt_restart() : rkt_power_off()
        exit(1)
    }

    /// A container reads the parameters of the host's kernel, which are none of its own.
    private static var endsByRestart: Bool {
        !GuestPort.isInContainer && GuestParameters.current["rkt.end"] == "restart"
    }

    /// As systemd-shutdown(8), which the manager becomes at its end: ends what is left first.
    static func asManager() -> Never {
        kill(-1, SIGTERM)
        kill(-1, SIGKILL)
        powerOff()
    }
}
