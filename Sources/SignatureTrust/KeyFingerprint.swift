// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The fingerprint of an OpenPGP key: 20 bytes, or 32 for keys of version 5, in lower-case hexadecimal digits.
package struct KeyFingerprint: Hashable, Sendable, CustomStringConvertible, Comparable {
    /// The digits, as files of the keystore are named.
    package let string: String

    /// Nil for anything else than 40 or 64 hexadecimal digits; capital ones will do.
    package init?(_ text: some StringProtocol) {
        let digits = text.lowercased()
        guard [40, 64].contains(digits.utf8.count), digits.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) })
        else {
            return nil
        }
        string = digits
    }

    package var description: String { string }

    /// The digits in groups of four with a wider gap in the middle, as people compare them.
    package var spaced: String {
        let digits = Array(string.uppercased())
        let groups = stride(from: 0, to: digits.count, by: 4).map { String(digits[$0..<min($0 + 4, digits.count)]) }
        let half = groups.count / 2
        return groups[..<half].joined(separator: " ") + "  " + groups[half...].joined(separator: " ")
    }

    package static func < (left: KeyFingerprint, right: KeyFingerprint) -> Bool { left.string < right.string }
}
