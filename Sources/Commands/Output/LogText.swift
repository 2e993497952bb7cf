// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol

/// An entry of a pod's journal as people read it, in the manner of journalctl(1).
package enum LogText {
    /// `Jan 02 15:04:05 rkt-0123 web[42]: message`; nil for an entry without a message. Further lines of a message
    /// stand below the first.
    package static func line(_ entry: JournalEntry) -> String? {
        guard let message = entry.value(of: "MESSAGE") else { return nil }
        let name = entry.text(of: "SYSLOG_IDENTIFIER") ?? entry.text(of: "_COMM") ?? "unknown"
        let pid = (entry.text(of: "_PID") ?? entry.text(of: "SYSLOG_PID")).map { "[\(printable($0.utf8))]" } ?? ""
        let host = printable((entry.text(of: "_HOSTNAME") ?? "-").utf8)
        // When the process logged, where journald knows that; it may have taken the entry later.
        let time = entry.text(of: "_SOURCE_REALTIME_TIMESTAMP").flatMap { UInt64($0) } ?? entry.realtime
        let prefix = "\(TimeText.short(time)) \(host) \(printable(name.utf8))\(pid): "
        let indentation = String(repeating: " ", count: prefix.unicodeScalars.count)
        let lines = message.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(printable)
        return prefix + lines.joined(separator: "\n" + indentation)
    }

    /// Text that commands no terminal: what is not printable, or not UTF-8, is shown by its codes. A tab stays.
    package static func printable(_ bytes: some Collection<UInt8>) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return bytes.map { (32..<127).contains($0) ? String(UnicodeScalar($0)) : code(UInt32($0)) }.joined()
        }
        guard !text.unicodeScalars.allSatisfy(isPrintable) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(
                contentsOf: isPrintable(scalar) ? String(scalar).unicodeScalars : code(scalar.value).unicodeScalars)
        }
        return String(result)
    }

    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 32 && scalar.value < 127 || scalar == "\t" }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return false
        default: return true
        }
    }

    private static func code(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return value < 256 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
    }
}
