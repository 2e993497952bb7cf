// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import Synchronization
import SystemPackage

/// A line of a terminal that follows a long step and is gone after it.
package final class ProgressLine: Sendable {
    /// Steps that take less show nothing.
    private static let delay = 300
    /// Between two updates.
    private static let interval = 100

    private struct State {
        var step: String?
        var start = 0
        var nextUpdate = 0
        var isShown = false
    }

    private let state = Mutex(State())
    private let columns: @Sendable () -> Int
    private let now: @Sendable () -> Int
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - columns: the terminal's width; zero while the line must not be drawn.
    ///   - now: milliseconds since any moment.
    package init(
        columns: @escaping @Sendable () -> Int, now: @escaping @Sendable () -> Int = { Clock.milliseconds },
        write: @escaping @Sendable (String) -> Void
    ) {
        self.columns = columns
        self.now = now
        self.write = write
    }

    /// A line on standard error; nil unless that is a terminal which can erase a line.
    package static func onStandardError() -> Progress? {
        guard let type = getenv("TERM"), strcmp(type, "dumb") != 0, strcmp(type, "") != 0,
            let terminal = Terminal(.standardError)
        else { return nil }
        return ProgressLine(
            columns: {
                // A job in the background would write over what its user is typing.
                let foreground = tcgetpgrp(FileDescriptor.standardError.rawValue)
                guard foreground == -1 || foreground == getpgrp() else { return 0 }
                return terminal.size.flatMap { $0.columns > 0 ? Int($0.columns) : nil } ?? 80
            },
            write: { try? FileSystem.writeAll(Array($0.utf8), to: .standardError) }
        ).progress
    }

    /// What tells this line.
    package var progress: Progress { Progress(report: report, end: end) }

    private func report(_ step: String, _ done: Int64, _ total: Int64?) {
        let time = now()
        state.withLock { state in
            if state.step != step {
                erase(&state)
                state = State(step: step, start: time, nextUpdate: time + ProgressLine.delay)
            }
            guard time >= state.nextUpdate else { return }
            state.nextUpdate = time + ProgressLine.interval
            let width = columns()
            guard width > 0 else { return }
            let text = ProgressText(step: step, done: done, total: total, milliseconds: time - state.start)
            write("\r\(text.line(columns: width))\u{1b}[K")
            state.isShown = true
        }
    }

    private func end() {
        state.withLock { state in
            erase(&state)
            state = State()
        }
    }

    private func erase(_ state: inout State) {
        if state.isShown { write("\r\u{1b}[K") }
    }
}
