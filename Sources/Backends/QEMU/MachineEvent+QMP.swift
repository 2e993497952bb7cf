// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Hypervisor

extension MachineEvent {
    /// The event a QMP event stands for; nil for one that no supervisor needs.
    package init?(qmp name: String, data: JSONValue) {
        switch name {
        case "SHUTDOWN":
            switch data["reason"]?.string ?? "unknown" {
            case "guest-shutdown": self = .guestShutdown
            case "guest-reset", "subsystem-reset": self = .guestReset
            // Follows GUEST_PANICKED, which says more.
            case "guest-panic": return nil
            case let reason: self = .hostShutdown(reason: reason)
            }
        case "GUEST_PANICKED": self = .guestPanicked(data["info"]?["type"]?.string)
        case "STOP": self = .stopped
        case "RESUME": self = .resumed
        case "BLOCK_IO_ERROR":
            let device = data["device"]?.string ?? ""
            self = .diskError(device: device.isEmpty ? data["node-name"]?.string ?? "" : device)
        default: return nil
        }
    }
}
