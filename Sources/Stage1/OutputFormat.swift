// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol

/// How a line of an app appears on the caller's standard output.
package enum OutputFormat {
    /// `[   12.345678] app[42]: text`, with the seconds of the guest's uptime padded to twelve characters.
    package static func line(_ line: GuestMessage.OutputLine) -> [UInt8] {
        let fraction = String(line.microseconds % 1_000_000)
        let time = "\(line.microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
        let padding = String(repeating: " ", count: max(0, 12 - time.count))
        return Array("[\(padding)\(time)] \(line.identifier)[\(line.pid)]: ".utf8) + line.text + [UInt8(ascii: "\n")]
    }
}
