// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The address of an Ethernet interface (MAC).
package struct HardwareAddress: Sendable, Hashable, CustomStringConvertible {
    /// Six bytes.
    package let bytes: [UInt8]

    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads six pairs of hexadecimal digits, separated by colons.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { $0.utf8.count == 2 && $0.first != "+" ? UInt8($0, radix: 16) : nil }
        guard parts.count == 6, bytes.count == 6 else { return nil }
        self.bytes = bytes
    }

    /// A new one that no maker of devices has given out (IEEE 802, locally administered).
    package static func random() -> HardwareAddress {
        var bytes = (0..<6).map { _ in UInt8.random(in: 0...255) }
        bytes[0] = bytes[0] & 0xfc | 2
        return HardwareAddress(unchecked: bytes)
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Whether an interface can have it: it is that of one station, and not all zero.
    package var isStation: Bool { bytes[0] & 1 == 0 && bytes.contains { $0 != 0 } }

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
