// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// Where commands write: results to one stream, everything else to the other.
package struct Console: Sendable {
    private let output: @Sendable (String) throws -> Void
    private let messages: @Sendable (String) -> Void
    private let answer: @Sendable (String) -> String?

    /// - Parameter answer: shows a question and returns the line that is typed; nil when there is no terminal.
    package init(
        output: @escaping @Sendable (String) throws -> Void, messages: @escaping @Sendable (String) -> Void,
        answer: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.output = output
        self.messages = messages
        self.answer = answer
    }

    /// Standard output and standard error.
    package static let standard = Console(
        output: { try FileSystem.writeAll(Array($0.utf8), to: .standardOutput) },
        // Nobody can be told that telling failed.
        messages: { try? FileSystem.writeAll(Array($0.utf8), to: .standardError) },
        answer: { question in
            guard let terminal = Terminal(.standardInput) else { return nil }
            try? FileSystem.writeAll(Array(question.utf8), to: .standardError)
            return terminal.readLine() ?? "no"
        })

    /// Writes a result and ends its line. Results that cannot be written are an error: a script would miss them.
    package func print(_ text: String) throws { try output(text + "\n") }

    /// Writes results that are complete lines.
    package func write(_ text: String) throws { try output(text) }

    /// Writes a line for the person at the terminal.
    package func tell(_ text: String) { messages(text + "\n") }

    /// Asks the person at the terminal.
    ///
    /// - Returns: the line they type, `no` at the end of input; nil when there is nobody to ask.
    package func ask(_ question: String) -> String? { answer(question) }
}
