// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The statuses this project's programs end with, other than an app's own.
package enum ExitStatus {
    package static let success: Int32 = 0
    /// A few documented cases: a failing `enter`, `app status` of an unknown app, an unreadable UUID file; a
    /// host that cannot run pods, as `doctor` finds it.
    package static let failure: Int32 = 1
    /// `rkt` without a command.
    package static let missingCommand: Int32 = 2
    /// An app's program could not be executed (systemd.exec(5), EXIT_EXEC).
    package static let cannotExecute: Int32 = 203
    /// The hypervisor process ended although the guest had not powered off.
    package static let hypervisorDied: Int32 = 250
    /// The guest's kernel panicked, or the guest reset itself.
    package static let guestPanicked: Int32 = 251
    /// The guest did not report in time.
    package static let bootTimedOut: Int32 = 252
    /// Anything that fails before a pod runs, and every error of a command.
    package static let error: Int32 = 254
}
