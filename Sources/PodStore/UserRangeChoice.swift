// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform

/// Chooses the user ids of a pod: at random, so that other programs which choose ids without asking are unlikely to choose the
/// same, and never any that is known to be somebody's.
package struct UserRangeChoice: Sendable {
    /// Ranges begin at multiples of their size, in what systemd's "Users, Groups, UIDs and GIDs" leaves to containers.
    private static let first: UInt32 = 0x8_0000
    private static let end: UInt32 = 0x7000_0000
    /// How many ranges there are.
    package static let rangeCount = Int((end - first) / UserRange.standardCount)
    /// Random ranges that are tried before all are gone through.
    private static let attempts = 32

    /// Sorted, disjoint.
    private let taken: [Range<UInt64>]

    /// - Parameter taken: ids that are somebody's, in any order.
    package init(taken: [Range<UInt32>]) {
        var merged: [Range<UInt64>] = []
        for range in taken.map({ UInt64($0.lowerBound)..<UInt64($0.upperBound) }).sorted(by: {
            $0.lowerBound < $1.lowerBound
        })
        where !range.isEmpty {
            if let last = merged.last, range.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.taken = merged
    }

    /// - Throws: when every range has an id that is somebody's.
    package func choose(using generator: inout some RandomNumberGenerator) throws -> UserRange {
        for _ in 0..<Self.attempts {
            if let range = free(Int.random(in: 0..<Self.rangeCount, using: &generator)) { return range }
        }
        for index in 0..<Self.rangeCount {
            if let range = free(index) { return range }
        }
        throw RuntimeError(
            .unsupported,
            "no \(UserRange.standardCount) user ids in a row are free for a pod between \(Self.first) and \(Self.end - 1); remove pods "
                + "with --private-users, or lower what /etc/subuid and /etc/subgid give away")
    }

    private func free(_ index: Int) -> UserRange? {
        let first = Self.first + UInt32(index) * UserRange.standardCount
        guard let range = UserRange(first: first) else { return nil }
        let wanted = UInt64(first)..<UInt64(first) + UInt64(range.count)
        // The first of those taken that ends behind the beginning.
        var low = 0
        var high = taken.count
        while low < high {
            let middle = (low + high) / 2
            if taken[middle].upperBound <= wanted.lowerBound { low = middle + 1 } else { high = middle }
        }
        return low < taken.count && taken[low].overlaps(wanted) ? nil : range
    }
}
