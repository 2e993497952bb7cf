// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol

/// An entry of a pod's journal as people read it, in the manner of journalctl(1).
package enum LogText {
    /// `Jan 02 15:04:05 rkt-0123 web[42]: message`; nil for an entry without a message. Further lines of a message
    /// stand below the first.
    package static func line(_ entry: JournalEntry) -> String? {
        guard let message = entry.value(of: "MESSAGE") else { return nil }
        let name = entry.text(of: "SYSLOG_IDENTIFIER") ?? entry.text(of: "_COMM") ?? "unknown"
        let pid =
            (entry.text(of: "_PID") ?? entry.text(of: "SYSLOG_PID")).map { "[\(PrintableText.line($0.utf8))]" } ?? ""
        let host = PrintableText.line((entry.text(of: "_HOSTNAME") ?? "-").utf8)
        // When the process logged, where journald knows that; it may have taken the entry later.
        let time = entry.text(of: "_SOURCE_REALTIME_TIMESTAMP").flatMap { UInt64($0) } ?? entry.realtime
        let prefix = "\(TimeText.short(time)) \(host) \(PrintableText.line(name.utf8))\(pid): "
        let indentation = String(repeating: " ", count: prefix.unicodeScalars.count)
        let lines = message.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            PrintableText.line($0)
        }
        return prefix + lines.joined(separator: "\n" + indentation)
    }
}
