// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Renders an error for standard error.
package enum ErrorReport {
    /// One line, `component: message: innermost cause`; with `debug` the message and each cause on lines of their own.
    package static func lines(_ error: any Error, component: String, debug: Bool) -> [String] {
        let messages = chain(of: error)
        guard let first = messages.first else { return ["\(component): unknown error"] }
        guard debug else {
            guard let last = messages.last, messages.count > 1 else { return ["\(component): \(oneLine(first))"] }
            return ["\(component): \(oneLine(first)): \(oneLine(last))"]
        }
        return block("\(component): \(first)", indentation: "")
            + messages.dropFirst().enumerated().flatMap { level, message in
                block("└─" + message, indentation: String(repeating: "  ", count: level + 1))
            }
    }

    /// A message with its further lines indented, so that none of them looks like a message of its own.
    private static func block(_ message: String, indentation: String) -> [String] {
        PrintableText.lines(message).enumerated().map { indentation + ($0 == 0 ? "" : "    ") + $1 }
    }

    /// Messages from the outermost error to the innermost cause.
    private static func chain(of error: any Error) -> [String] {
        switch error {
        case let error as CleanupError:
            // What went wrong first is what matters; the line says that something was left behind, too.
            var messages = chain(of: error.primary)
            let cleanup = chain(of: error.cleanup).joined(separator: ": ")
            messages[messages.count - 1] += " (and while cleaning up: \(cleanup))"
            return messages
        case let error as RuntimeError:
            return [error.message] + (error.cause.map { chain(of: $0) } ?? [])
        default:
            return [String(describing: error)]
        }
    }

    /// A cause may quote a file that shows the place of a mistake over several lines.
    private static func oneLine(_ message: String) -> String {
        PrintableText.line(message.split(whereSeparator: \.isNewline).first.map(String.init) ?? message)
    }
}
