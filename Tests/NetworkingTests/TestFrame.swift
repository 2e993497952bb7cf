// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Testing

/// A frame as a guest sends it; its last byte is a mark by which it is recognized.
struct TestFrame: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]

    private init(_ text: String, _ content: UInt16, source: HardwareAddress, _ payload: [UInt8]) {
        testDescription = text
        bytes =
            [UInt8](repeating: 0xff, count: 6) + source.bytes
            + [UInt8(content >> 8), UInt8(truncatingIfNeeded: content)] + payload
    }

    /// The same with a mark at its end.
    func marked(_ mark: UInt8) -> [UInt8] { bytes + [UInt8](repeating: 0, count: 20) + [mark] }

    static func ipv4(_ text: String, from hardware: HardwareAddress, _ source: IPAddress) -> TestFrame {
        var header: [UInt8] = [0x45, 0, 0, 41, 0, 0, 0, 0, 64, 17, 0, 0]
        header += source.bytes + [255, 255, 255, 255]
        return TestFrame(text, 0x0800, source: hardware, header)
    }

    /// An ARP reply that says where an address is.
    static func arp(
        _ text: String, from hardware: HardwareAddress, telling sender: HardwareAddress, _ address: IPAddress
    ) -> TestFrame {
        TestFrame(
            text, 0x0806, source: hardware,
            [0, 1, 8, 0, 6, 4, 0, 2] + sender.bytes + address.bytes + [UInt8](repeating: 0, count: 10))
    }

    /// - Parameters:
    ///   - next: what the header says that follows it.
    ///   - content: what follows.
    static func ipv6(
        _ text: String, from hardware: HardwareAddress, _ source: IPAddress, next: UInt8 = 17, _ content: [UInt8] = []
    ) -> TestFrame {
        TestFrame(
            text, 0x86dd, source: hardware,
            [0x60, 0, 0, 0, 0, UInt8(content.count + 21), next, 64] + source.bytes
                + [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] + content)
    }

    /// An ICMPv6 message of a type; an address follows at its ninth byte.
    static func icmpv6(
        _ text: String, from hardware: HardwareAddress, _ source: IPAddress, type: UInt8, _ target: IPAddress
    ) -> TestFrame {
        ipv6(text, from: hardware, source, next: 58, [type, 0, 0, 0, 0, 0, 0, 0] + target.bytes)
    }

    /// An IPv4 packet in a VLAN.
    static func tagged(_ text: String, from hardware: HardwareAddress, _ source: IPAddress) -> TestFrame {
        let inner = ipv4(text, from: hardware, source)
        return TestFrame(text, 0x8100, source: hardware, [0, 5] + inner.bytes.dropFirst(12))
    }

    /// A frame of another protocol.
    static func other(_ text: String, from hardware: HardwareAddress, content: UInt16) -> TestFrame {
        TestFrame(text, content, source: hardware, [UInt8](repeating: 0, count: 46))
    }
}
