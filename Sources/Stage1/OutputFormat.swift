// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol

/// How a line of an app appears on the caller's standard output.
package enum OutputFormat {
    /// The line of an entry, if it has one for the caller.
    ///
    /// - Parameters:
    ///   - apps: names of the pod's apps.
    ///   - all: whether services of the guest are shown, too.
    package static func line(_ entry: JournalEntry, apps: Set<String>, all: Bool = false) -> [UInt8]? {
        guard let message = entry.value(of: "MESSAGE") else { return nil }
        let app = entry.app(among: apps)
        guard app != nil || all else { return nil }
        let pid = entry.text(of: "_PID").flatMap { UInt32($0) } ?? 0
        return line(
            app ?? entry.text(of: "SYSLOG_IDENTIFIER") ?? "", pid: pid, microseconds: entry.monotonic, text: message)
    }

    /// `[   12.345678] app[42]: text`, with the seconds of the guest's uptime padded to twelve characters.
    private static func line(_ name: String, pid: UInt32, microseconds: UInt64, text: ArraySlice<UInt8>) -> [UInt8] {
        let fraction = String(microseconds % 1_000_000)
        let time = "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
        let padding = String(repeating: " ", count: max(0, 12 - time.count))
        return Array("[\(padding)\(time)] \(name)[\(pid)]: ".utf8) + text + [UInt8(ascii: "\n")]
    }
}
