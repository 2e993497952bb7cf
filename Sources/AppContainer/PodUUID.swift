// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The identity of a pod (RFC 4122).
package struct PodUUID: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// A new random UUID (version 4); the bits come from getrandom(2) through the standard library.
    package init() {
        var generator = SystemRandomNumberGenerator()
        high = generator.next() & ~0xF000 | 0x4000
        low = generator.next() & ~(0b11 << 62) | 0b10 << 62
    }

    /// Reads 32 hexadecimal digits of either case; hyphens may stand anywhere, nothing else may.
    package init(parsing text: String) throws(ScalarError) {
        var digits: [UInt8] = []
        for byte in text.utf8 where byte != UInt8(ascii: "-") {
            guard let digit = ASCII.hexValue(byte), digits.count < 32 else {
                throw ScalarError(text, "is not a UUID: expected 32 hexadecimal digits")
            }
            digits.append(digit)
        }
        guard digits.count == 32 else { throw ScalarError(text, "is not a UUID: expected 32 hexadecimal digits") }
        high = digits[..<16].reduce(0) { $0 << 4 | UInt64($1) }
        low = digits[16...].reduce(0) { $0 << 4 | UInt64($1) }
    }

    /// Whether every bit is zero, which no pod may have.
    package var isZero: Bool { high == 0 && low == 0 }

    /// The 16 bytes, most significant first.
    package var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) } }
    }

    /// 32 lower-case hexadecimal digits.
    package var withoutDashes: String { ASCII.hex(bytes) }

    /// Lower-case digits in groups of 8-4-4-4-12.
    package var description: String {
        var digits = Array(withoutDashes.utf8)
        for place in [8, 13, 18, 23] { digits.insert(UInt8(ascii: "-"), at: place) }
        return String(decoding: digits, as: UTF8.self)
    }

    /// The order of their descriptions.
    package static func < (left: PodUUID, right: PodUUID) -> Bool { (left.high, left.low) < (right.high, right.low) }
}
