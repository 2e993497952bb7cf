// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Synchronization

/// Keeps what a command writes.
final class RecordingConsole: Sendable {
    private let streams = Mutex((output: "", messages: ""))

    var console: Console {
        Console(
            output: { [self] text in streams.withLock { $0.output += text } },
            messages: { [self] text in streams.withLock { $0.messages += text } })
    }

    var output: String { streams.withLock { $0.output } }
    var messages: String { streams.withLock { $0.messages } }

    /// Runs a command line and returns its status.
    func run(_ arguments: String..., isRoot: Bool = true) -> Int32 { run(arguments, isRoot: isRoot) }

    func run(_ arguments: [String], isRoot: Bool = true) -> Int32 {
        Program(console: console, isRoot: isRoot).run(arguments)
    }
}
