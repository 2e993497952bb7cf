// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// What a guest has to give one of its interfaces, so that it is the one that the pod's network meant.
package struct GuestInterface: Sendable, Equatable {
    /// As the network's plugin was told (`CNI_IFNAME`).
    package var name: String
    package var hardwareAddress: HardwareAddress
    package var mtu: UInt32
    /// All of them; the link-local one that the guest makes of its hardware address is left out.
    package var addresses: [InterfaceAddress]
    /// All of them, those to the interface's own networks too, in an order in which they can be added.
    package var routes: [NetworkRoute]

    package init(
        name: String, hardwareAddress: HardwareAddress, mtu: UInt32, addresses: [InterfaceAddress],
        routes: [NetworkRoute]
    ) {
        self.name = name
        self.hardwareAddress = hardwareAddress
        self.mtu = mtu
        self.addresses = addresses
        self.routes = routes
    }
}

/// An interface that a virtual machine can be given.
package struct JoinedInterface: Sendable {
    /// Frames with virtio headers, for the hypervisor. Whoever joined the interface closes it once the hypervisor has it;
    /// when the last copy is closed the machine is off the network.
    package let descriptor: FileDescriptor
    package let guest: GuestInterface
}

extension GuestInterface {
    /// Reads what an interface has been given.
    init(reading link: NetworkLink, _ hardwareAddress: HardwareAddress, _ socket: RouteSocket) throws {
        let own = IPAddress.linkLocal(hardwareAddress)
        self.init(
            name: link.name, hardwareAddress: hardwareAddress, mtu: link.mtu,
            addresses: try socket.addresses(of: link).filter { $0.address != own },
            routes: try socket.routes(through: link))
    }

    /// The routes that an interface needs: those to the networks of its addresses, which a kernel would make itself, and
    /// others. A gateway that none of them reaches is taken to be on the link.
    static func routes(of addresses: [InterfaceAddress], and others: [NetworkRoute]) -> [NetworkRoute] {
        let connected: [NetworkRoute] = addresses.compactMap { address in
            guard let network = IPPrefix(address.address, length: address.prefixLength)?.network,
                network.length < address.address.bytes.count * 8
            else { return nil }
            return NetworkRoute(to: network, source: address.address.family == .v4 ? address.address : nil)
        }
        let direct = connected + others.filter { $0.gateway == nil }
        let indirect = others.filter { $0.gateway != nil }.map { route in
            var route = route
            if let gateway = route.gateway, !gateway.isLinkLocal,
                !direct.contains(where: { $0.destination.contains(gateway) })
            {
                route.isOnLink = true
            }
            return route
        }
        return direct + indirect
    }
}
