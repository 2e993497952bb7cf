// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

/// Which frames of a machine reach its network: what keeps a pod from speaking for others.
///
package enum SourceGuard: String, Sendable, CaseIterable {
    /// All.
    case none
    /// Those from the interface's hardware address.
    case hardwareAddress
    /// Those from the interface's addresses, in ARP and in answers to neighbour solicitations too; no announcements of
    /// routers. An interface that has no address is held to its hardware address only.
    case addresses
}

/// The filters that hold a guest to what is its own.
struct SourceRules {
    private let guest: GuestInterface
    private let guarding: SourceGuard

    init(_ guest: GuestInterface, _ guarding: SourceGuard) {
        self.guest = guest
        self.guarding = guest.addresses.isEmpty && guarding == .addresses ? .hardwareAddress : guarding
    }

    /// Bytes before the network header.
    private static let sourceHardwareAddress: Int32 = -8

    /// For what the guest sends; nothing else passes.
    var gates: [FrameGate] {
        switch guarding {
        case .none: return [FrameGate(.any, [])]
        case .hardwareAddress: return [FrameGate(.any, fromGuest)]
        case .addresses: break
        }
        let addresses = guest.addresses.map(\.address)
        let v4 = addresses.filter { $0.family == .v4 }.map(\.bytes)
        let v6 = addresses.filter { $0.family == .v6 }.map(\.bytes)
        // The guest makes itself a link-local address, and asks from none whether others have it.
        let local = v6.isEmpty ? [] : [IPAddress.linkLocal(guest.hardwareAddress).bytes]
        let unspecified = v6.isEmpty ? [] : [IPAddress.unspecified(.v6).bytes]
        var gates: [FrameGate] = []
        for address in v4 {
            gates.append(FrameGate(.ipv4, fromGuest + .bytes(address, at: 12)))
            // Hardware address and address of the sender.
            gates.append(FrameGate(.arp, fromGuest + .bytes(guest.hardwareAddress.bytes + address, at: 8)))
        }
        gates += (v6 + local).map { FrameGate(.ipv6, fromGuest + Self.advertisement + .bytes($0, at: 48)) }
        gates += Self.reserved.map { FrameGate(.ipv6, $0, passes: false) }
        gates += (v6 + local + unspecified).map { FrameGate(.ipv6, fromGuest + .bytes($0, at: 8)) }
        return gates
    }

    /// The gates as filters of what a tap receives from the guest; what does not pass stays in the namespace.
    func filters(to link: NetworkLink) -> [TrafficFilter] {
        gates.map { TrafficFilter($0.content, $0.matches, $0.passes ? .redirect(link) : .keep) }
    }

    private var fromGuest: [TrafficFilter.Match] {
        .bytes(guest.hardwareAddress.bytes, at: Self.sourceHardwareAddress)
    }

    /// An ICMPv6 message of a type, right after the IPv6 header.
    private static func message(_ type: UInt8) -> [TrafficFilter.Match] {
        .bytes([58], at: 6) + .bytes([type], at: 40)
    }

    /// A neighbour advertisement (RFC 4861), which tells who has an address; the address follows at byte 48.
    private static let advertisement = message(136)
    /// Other advertisements of that kind, those of routers, and redirects: a guest speaks for itself only.
    private static let reserved = [advertisement, message(134), message(137)]
}

extension [TrafficFilter.Match] {
    fileprivate static func bytes(_ bytes: [UInt8], at offset: Int32) -> Self {
        TrafficFilter.Match.bytes(bytes, at: offset)
    }
}
