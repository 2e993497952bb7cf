// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Hypervisor
import LinuxPlatform
import Networking

extension PodConfiguration.Interface {
    /// What the guest is told of an interface.
    package init(_ guest: GuestInterface) {
        self.init(
            name: guest.name, hardwareAddress: guest.hardwareAddress.bytes, mtu: guest.mtu,
            addresses: guest.addresses.map { address in
                Address(
                    address: address.address.bytes, prefixLength: UInt8(clamping: address.prefixLength),
                    broadcast: address.broadcast?.bytes ?? [])
            },
            routes: guest.routes.map { route in
                Route(
                    destination: route.destination.address.bytes,
                    prefixLength: UInt8(clamping: route.destination.length), gateway: route.gateway?.bytes ?? [],
                    source: route.source?.bytes ?? [], metric: route.metric, mtu: route.mtu, isOnLink: route.isOnLink)
            })
    }
}

extension MachineInterface {
    /// What the hypervisor is told of it.
    package init(_ joined: JoinedInterface) {
        self.init(
            id: joined.guest.name, hardwareAddress: joined.guest.hardwareAddress, mtu: joined.guest.mtu,
            descriptor: joined.descriptor)
    }
}
