// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

/// A child process that remembers how it ended, so that it can be asked again.
final class WatchedProcess {
    let child: ChildProcess
    private(set) var exit: ProcessExit?

    init(_ child: ChildProcess) {
        self.child = child
    }

    /// Waits without end.
    func wait() throws -> ProcessExit {
        if let exit { return exit }
        let exit = try child.wait()
        self.exit = exit
        return exit
    }

    /// Waits until the process has ended or the clock has reached `deadline`.
    ///
    /// - Parameter deadline: on the scale of `Clock.milliseconds`; a past one asks without waiting.
    func wait(until deadline: Int) throws -> ProcessExit? {
        while exit == nil {
            exit = try child.poll()
            let left = deadline - Clock.milliseconds
            guard exit == nil, left > 0 else { break }
            _ = try Poll.wait([(child.pidfd, .read)], timeout: left)
        }
        return exit
    }

    /// Sends a signal unless the process is known to have ended.
    func signal(_ number: Int32) throws {
        if exit == nil { try child.signal(number) }
    }

    /// Ends the process at once.
    ///
    /// - Returns: whether it has ended; a process stuck in the kernel survives this.
    @discardableResult
    func kill() -> Bool {
        if exit != nil { return true }
        do {
            try signal(9)
            return try wait(until: Clock.milliseconds + 5000) != nil
        } catch {
            return false
        }
    }
}
