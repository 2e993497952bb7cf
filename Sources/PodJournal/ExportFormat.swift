// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol

/// How entries stand in a pod's files: https://systemd.io/JOURNAL_EXPORT_FORMATS.
package enum ExportFormat {
    /// Most bytes of one entry; what the fields of `JournalEntry` take stays far below.
    static let limit = 256 << 10

    /// An entry with the line that ends it.
    ///
    /// - Parameter machineID: of the pod, whatever the guest says.
    package static func encoded(_ entry: JournalEntry, machineID: String) -> [UInt8] {
        let head = """
            __REALTIME_TIMESTAMP=\(entry.realtime)
            __MONOTONIC_TIMESTAMP=\(entry.monotonic)
            _BOOT_ID=\(hex(entry.boot))
            _MACHINE_ID=\(machineID)

            """
        var bytes = Array(head.utf8)
        for field in entry.fields {
            guard let equals = field.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = field[(equals + 1)...]
            if isText(value) {
                bytes += field
            } else {
                bytes += field[..<equals]
                bytes.append(UInt8(ascii: "\n"))
                let count = UInt64(value.count)
                for shift in stride(from: UInt64(0), to: 64, by: 8) {
                    bytes.append(UInt8(truncatingIfNeeded: count >> shift))
                }
                bytes += value
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// 32 hexadecimal digits.
    package static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { (String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)) }.joined()
    }

    /// Whether a value may stand on a line.
    private static func isText(_ value: ArraySlice<UInt8>) -> Bool {
        value.allSatisfy { $0 >= 32 && $0 != 127 || $0 == UInt8(ascii: "\t") }
            && String(validating: value, as: UTF8.self) != nil
    }
}
