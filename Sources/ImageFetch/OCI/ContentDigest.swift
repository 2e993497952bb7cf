// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import Diagnostics

/// The SHA-256 by which a blob is known: `sha256:` and 64 hexadecimal digits.
package struct ContentDigest: Hashable, Sendable, CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    package let hex: String

    package init(parsing text: String) throws(ScalarError) {
        let prefix = "sha256:"
        guard text.hasPrefix(prefix) else {
            throw ScalarError(text, "is not a digest that can be checked: only sha256 is supported")
        }
        let digits = text.dropFirst(prefix.count)
        guard digits.utf8.count == 64, digits.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else {
            throw ScalarError(text, "is not a digest: expected sha256: and 64 lower-case hexadecimal digits")
        }
        hex = String(digits)
    }

    /// From the 32 bytes of a sum.
    package init(sum: some Sequence<UInt8>) {
        let digits = Array("0123456789abcdef".utf8)
        hex = String(decoding: sum.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
        precondition(hex.utf8.count == 64, "a SHA-256 sum has 32 bytes")
    }

    /// The digest of bytes.
    package init(of bytes: [UInt8]) { self.init(sum: SHA256.hash(data: bytes)) }

    package var description: String { "sha256:\(hex)" }

    /// The first digits, enough for people to tell blobs apart.
    package var short: String { "sha256:\(hex.prefix(12))" }
}
