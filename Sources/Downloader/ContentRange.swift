// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// `Content-Range` in bytes (RFC 9110, 14.4): `bytes 5-9/10`, `bytes 5-9/*` or `bytes */10`.
package struct ContentRange: Equatable {
    /// First and last byte.
    package let range: ClosedRange<Int64>?
    /// The size of the whole.
    package let total: Int64?

    /// Nil if it is not of this form or contradicts itself.
    package init?(_ text: String) {
        guard
            let match = text.wholeMatch(of: /bytes +(?:([0-9]{1,18})-([0-9]{1,18})|\*)\/([0-9]{1,18}|\*)/.ignoresCase())
        else { return nil }
        total = Int64(match.3)
        guard let first = match.1.flatMap({ Int64($0) }), let last = match.2.flatMap({ Int64($0) }) else {
            range = nil
            return
        }
        guard first <= last, last < total ?? .max else { return nil }
        range = first...last
    }
}
