// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

extension IPAddress {
    package var isIPv4: Bool { family == .v4 }
    /// Whether it belongs to the host that it is used on: 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        isIPv4 ? bytes[0] == 127 : bytes[15] == 1 && bytes.dropLast().allSatisfy { $0 == 0 }
    }
    /// Whether it stands for all addresses.
    package var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
}

extension IPPrefix {
    /// An address whose leading bits are ones, such as 255.255.255.0.
    package var mask: IPAddress {
        let bytes = address.bytes.indices.map { index -> UInt8 in
            let ones = min(max(length - index * 8, 0), 8)
            return ones == 0 ? 0 : 0xFF << UInt8(8 - ones)
        }
        return IPAddress(bytes: bytes) ?? address
    }
}
