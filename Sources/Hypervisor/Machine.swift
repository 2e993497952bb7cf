// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

/// A machine that has been launched; it belongs to the process that launched it.
///
/// What happens inside it (entering, adding apps, reading logs) goes through the agent that runs there.
package protocol Machine: AnyObject {
    /// The pod's UUID, as in the specification.
    var id: String { get }

    /// Waits until the machine has ended and everything started for it has been reaped; safe to repeat.
    ///
    /// - Returns: how the machine's main process ended.
    func wait() throws -> ProcessExit

    /// Ends the machine. It has ended when this returns; `wait()` still tells how.
    func stop(_ mode: StopMode) throws

    /// Frees what the machine holds: descriptors, helper processes, sockets. A machine that still runs is ended by
    /// force. Safe to repeat.
    func release()
}
