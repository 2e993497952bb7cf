// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform

/// Pauses between looks at something that nobody announces: short at first, a few times a second in the end.
package struct Backoff: Sendable {
    private var next = 1
    private static let longest = 100

    package init() {}

    /// Sleeps for the next pause.
    ///
    /// - Parameter deadline: by `Clock.milliseconds`; nil is none.
    /// - Returns: false, without sleeping, when the deadline has passed.
    package mutating func pause(until deadline: Int? = nil) -> Bool {
        var milliseconds = next
        if let deadline {
            let left = deadline - Clock.milliseconds
            guard left > 0 else { return false }
            milliseconds = min(milliseconds, left)
        }
        usleep(UInt32(milliseconds) * 1000)
        next = min(next * 2, Backoff.longest)
        return true
    }
}
