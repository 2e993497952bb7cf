// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// A range of the host's user and group ids that stand for the ids from 0 on in a user namespace (user_namespaces(7)).
package struct UserRange: Sendable, Hashable, CustomStringConvertible {
    /// What 0 stands for.
    package let first: UInt32
    /// At least 1; the last id of the range is a number of 32 bits and not the largest one, which stands for no user.
    package let count: UInt32

    /// What users and groups of a pod are numbered up to, exclusive.
    package static let standardCount: UInt32 = 65536

    /// - Returns: nil when the range is empty, begins with the host's root, or ends behind the last id.
    package init?(first: UInt32, count: UInt32 = UserRange.standardCount) {
        guard first > 0, count > 0, UInt64(first) + UInt64(count) <= UInt64(UInt32.max) else { return nil }
        self.first = first
        self.count = count
    }

    /// Reads `FIRST:COUNT`, as `--private-users` of the implementor's guide has it.
    package init(parsing text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = Self.number(parts[0]), let count = Self.number(parts[1]),
            let range = UserRange(first: first, count: count)
        else {
            throw RuntimeError(.invalidArgument, "\"\(text)\" is not a range of user ids; it is FIRST:COUNT")
        }
        self = range
    }

    /// Digits alone: no sign.
    private static func number(_ text: Substring) -> UInt32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return UInt32(text)
    }

    package var description: String { "\(first):\(count)" }

    /// The host's ids.
    package var ids: Range<UInt32> { first..<first + count }

    /// What an id of the namespace is on the host; nil when it is none of the namespace's.
    package func outside(_ id: UInt32) -> UInt32? { id < count ? first + id : nil }

    /// What an id of the host is in the namespace; nil when it is none of the range.
    package func inside(_ id: UInt32) -> UInt32? { ids.contains(id) ? id - first : nil }
}
