// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The user and group ids that the host has given away, by its files.
package enum HostUsers {
    /// passwd(5) and group(5): the id is the third field.
    private static let accounts: [FilePath] = ["/etc/passwd", "/etc/group"]
    /// subuid(5) and subgid(5): name, first id, count.
    private static let delegations: [FilePath] = ["/etc/subuid", "/etc/subgid"]
    /// Bytes of a file.
    private static let limit = 64 << 20

    /// - Throws: when a file is there and cannot be read.
    package static func taken() throws -> [Range<UInt32>] {
        try accounts.flatMap { accountIDs(in: try text($0)) } + delegations.flatMap { delegatedIDs(in: try text($0)) }
    }

    private static func text(_ path: FilePath) throws -> String {
        guard FileSystem.exists(path) else { return "" }
        return try FileSystem.readText(path, limit: limit)
    }

    /// Lines that are not of the form say nothing of ids.
    package static func accountIDs(in text: String) -> [Range<UInt32>] {
        fields(of: text).compactMap { fields in
            guard fields.count > 2, let id = UInt32(fields[2]), id < .max else { return nil }
            return id..<id + 1
        }
    }

    /// What goes beyond the last id ends there. Lines that are not of the form say nothing of ids.
    package static func delegatedIDs(in text: String) -> [Range<UInt32>] {
        fields(of: text).compactMap { fields in
            guard fields.count == 3, let first = UInt32(fields[1]), let count = UInt64(fields[2]), count > 0 else {
                return nil
            }
            let (end, overflows) = UInt64(first).addingReportingOverflow(count)
            return first..<(overflows ? .max : max(first, UInt32(clamping: end)))
        }
    }

    private static func fields(of text: String) -> [[Substring]] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.split(separator: ":", omittingEmptySubsequences: false) }
    }
}
