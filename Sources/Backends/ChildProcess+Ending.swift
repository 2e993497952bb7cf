// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

extension ChildProcess {
    /// Waits until the process has ended or the clock has reached `deadline`.
    ///
    /// - Parameter deadline: on the scale of `Clock.milliseconds`.
    /// - Returns: how it ended, or nil while it runs.
    func wait(until deadline: Int) throws -> ProcessExit? {
        while true {
            if let exit = try poll() { return exit }
            let left = deadline - Clock.milliseconds
            guard left > 0 else { return nil }
            _ = try Poll.wait([(pidfd, .read)], timeout: left)
        }
    }

    /// Ends the process at once.
    ///
    /// - Returns: whether it has ended; a process stuck in the kernel survives this.
    @discardableResult
    func kill() -> Bool {
        do {
            if try poll() != nil { return true }
            try signal(9)
            return try wait(until: Clock.milliseconds + 5000) != nil
        } catch {
            return false
        }
    }
}
