// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A network interface, as the kernel tells of it.
package struct NetworkLink: Sendable, Equatable {
    /// Its number in its network namespace.
    package var index: Int32
    package var name: String
    /// Nil for interfaces without Ethernet addresses.
    package var hardwareAddress: HardwareAddress?
    package var mtu: UInt32
    /// What makes it, such as `veth` or `macvtap`; nil for devices.
    package var kind: String?
    /// The interface beneath it, if it has one; it may be in another namespace.
    package var lower: Int32?
    /// Whether it was brought up (`IFF_UP`).
    package var isUp: Bool
    /// Whether it has a carrier (`IFF_LOWER_UP`).
    package var hasCarrier: Bool

    package init(
        index: Int32, name: String, hardwareAddress: HardwareAddress?, mtu: UInt32, kind: String? = nil,
        lower: Int32? = nil, isUp: Bool, hasCarrier: Bool
    ) {
        self.index = index
        self.name = name
        self.hardwareAddress = hardwareAddress
        self.mtu = mtu
        self.kind = kind
        self.lower = lower
        self.isUp = isUp
        self.hasCarrier = hasCarrier
    }

    /// Whether the kernel takes a text as the name of an interface (`dev_valid_name()`).
    package static func isName(_ text: String) -> Bool {
        (1...15).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    }
}

/// What a change of an interface sets; nil leaves it as it is.
package struct LinkChange: Sendable, Equatable {
    /// A new name. Kernels before 6.2 give one only to an interface that is down.
    package var name: String?
    package var isUp: Bool?
    package var hardwareAddress: HardwareAddress?
    package var mtu: UInt32?
    /// Whether frames to all groups are taken, not only to those that somebody on this host has joined.
    package var takesAllGroups: Bool?

    package init(
        name: String? = nil, isUp: Bool? = nil, hardwareAddress: HardwareAddress? = nil, mtu: UInt32? = nil,
        takesAllGroups: Bool? = nil
    ) {
        self.name = name
        self.isUp = isUp
        self.hardwareAddress = hardwareAddress
        self.mtu = mtu
        self.takesAllGroups = takesAllGroups
    }
}

/// How interfaces on one master reach each other (ip-link(8), macvlan).
package enum MacvlanMode: String, Sendable, CaseIterable {
    /// Not at all.
    case `private`
    /// Through the switch beyond the master.
    case vepa
    /// Directly.
    case bridge
    /// There is one interface, which takes all that the master gets.
    case passthru

    /// Corresponds to `MACVLAN_MODE_*`.
    var value: UInt32 {
        switch self {
        case .private: 1
        case .vepa: 2
        case .bridge: 4
        case .passthru: 8
        }
    }
}

/// An address of an interface.
package struct InterfaceAddress: Sendable, Hashable, CustomStringConvertible {
    package var address: IPAddress
    /// How many bits of it name the interface's network.
    package var prefixLength: Int
    package var broadcast: IPAddress?

    package init(_ address: IPAddress, prefixLength: Int, broadcast: IPAddress? = nil) {
        self.address = address
        self.prefixLength = prefixLength
        self.broadcast = broadcast
    }

    package var description: String { "\(address)/\(prefixLength)" }
}

/// A route of the main table that leads through one interface.
package struct NetworkRoute: Sendable, Hashable, CustomStringConvertible {
    package var destination: IPPrefix
    /// Nil when the destination is on the link itself.
    package var gateway: IPAddress?
    /// The address that packets without one are sent from.
    package var source: IPAddress?
    /// 0 for the kernel's choice.
    package var metric: UInt32
    /// Largest packet on this way; 0 for that of the interface.
    package var mtu: UInt32
    /// Whether the gateway is on the link although no route says so.
    package var isOnLink: Bool

    package init(
        to destination: IPPrefix, gateway: IPAddress? = nil, source: IPAddress? = nil, metric: UInt32 = 0,
        mtu: UInt32 = 0, isOnLink: Bool = false
    ) {
        self.destination = destination
        self.gateway = gateway
        self.source = source
        self.metric = metric
        self.mtu = mtu
        self.isOnLink = isOnLink
    }

    package var description: String { "\(destination)" + (gateway.map { " via \($0)" } ?? "") }
}
