// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc

/// An IPv4 or IPv6 address.
package struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    package enum Family: Sendable, Hashable {
        case v4, v6

        /// Length of an address in bytes.
        package var length: Int { self == .v4 ? 4 : 16 }
        var value: UInt8 { UInt8(self == .v4 ? AF_INET : AF_INET6) }
    }

    /// Four or sixteen bytes, the most significant first.
    package let bytes: [UInt8]

    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads the usual notation (inet_pton(3)); a zone is refused.
    package init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.bytes = Array(bytes.prefix(4))
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.bytes = bytes
        } else {
            return nil
        }
    }

    package var family: Family { bytes.count == 4 ? .v4 : .v6 }

    /// 0.0.0.0 or ::, which stands for no address.
    package static func unspecified(_ family: Family) -> IPAddress {
        IPAddress(unchecked: [UInt8](repeating: 0, count: family.length))
    }

    /// The address below fe80::/64 that an interface makes from its hardware address (RFC 4291, appendix A).
    package static func linkLocal(_ hardware: HardwareAddress) -> IPAddress {
        let mac = hardware.bytes
        return IPAddress(
            unchecked: [0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]])
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Whether it is an IPv6 address below fe80::/10, which means something on one link only.
    package var isLinkLocal: Bool { family == .v6 && bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 }

    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(CInt(family.value), bytes, &text, socklen_t(text.count)) != nil else { return "?" }
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "?" }
    }
}

/// A network: the addresses that share their first bits.
package struct IPPrefix: Sendable, Hashable, CustomStringConvertible {
    package let address: IPAddress
    /// How many bits count.
    package let length: Int

    package init?(_ address: IPAddress, length: Int) {
        guard (0...address.bytes.count * 8).contains(length) else { return nil }
        self.address = address
        self.length = length
    }

    /// Reads `ADDRESS/LENGTH`.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let length = Int(parts[1]) else {
            return nil
        }
        self.init(address, length: length)
    }

    /// All addresses of a family: the destination of a default route.
    package static func all(_ family: IPAddress.Family) -> IPPrefix {
        IPPrefix(unchecked: .unspecified(family), length: 0)
    }

    /// The first address, whose last bits are zero.
    package var network: IPPrefix {
        var bytes = address.bytes
        for index in bytes.indices {
            let kept = min(8, max(0, length - index * 8))
            bytes[index] &= kept == 0 ? 0 : 0xff << UInt8(8 - kept)
        }
        return IPPrefix(unchecked: IPAddress(bytes: bytes) ?? address, length: length)
    }

    package func contains(_ other: IPAddress) -> Bool {
        other.family == address.family && IPPrefix(unchecked: other, length: length).network.address == network.address
    }

    private init(unchecked address: IPAddress, length: Int) {
        self.address = address
        self.length = length
    }

    package var description: String { "\(address)/\(length)" }
}
