// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What a hypervisor tells about its machine.
package enum MachineEvent: Sendable, Equatable {
    /// The guest powered off; the hypervisor ends next.
    case guestShutdown
    /// The guest asked to restart, which ends the machine.
    case guestReset
    /// The guest's kernel panicked; the text is what the hypervisor knows about it, if anything. The hypervisor ends
    /// next.
    case guestPanicked(String?)
    /// The hypervisor ends for a reason outside the guest, such as a signal.
    case hostShutdown(reason: String)
    /// Somebody on the host has asked for the machine's orderly end, not through its supervisor.
    case stopRequested
    /// The virtual processors stand still, as after a failing disk.
    case stopped
    /// The virtual processors run again.
    case resumed
    /// A read from the named block device failed.
    case diskError(device: String)
    /// The hypervisor closed its control channel: it has ended or is about to.
    case controlClosed
}
