// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// A tap beside the interface, with filters that pass frames on. The calling thread is in the pod's namespace.
struct TapJoint {
    let interface: String
    let guarding: SourceGuard
    let socket: RouteSocket

    func make(_ record: (GuestInterface) throws -> Void) throws -> JoinedInterface {
        let link = try socket.link(named: interface)
        let guest = try GuestInterface(reading: link, link.requireHardwareAddress(), socket)
        try record(guest)
        let (descriptor, name) = try TapDevice.make()
        return try undoing {
            // The kernel's own stack is to be quiet on the tap as well.
            try InterfaceSetting.disableIPv6.set(true, of: name)
            let tap = try socket.link(named: name)
            try socket.setFilters(SourceRules(guest, guarding).filters(to: link), on: tap)
            try socket.change(tap, LinkChange(isUp: true, mtu: link.mtu))
            return try undoing {
                try Handover(link: link, guest: guest, socket: socket).make()
                try socket.change(link, LinkChange(isUp: true))
                try socket.setFilters(
                    [TrafficFilter(.ipv4, Self.dhcpAnswer, .copy(tap)), TrafficFilter(.any, [], .redirect(tap))],
                    on: link)
                return JoinedInterface(descriptor: descriptor, guest: guest)
            } with: {
                try Handover(link: link, guest: guest, socket: socket).undo()
            }
        } with: {
            // The tap goes with it.
            try descriptor.close()
        }
    }

    /// A UDP packet to port 68, behind an IPv4 header without options. The daemon of the plugin `dhcp` renews the pod's
    /// lease in the namespace, and listens there for IPv4 packets; the kernel has no address that they could be for.
    private static let dhcpAnswer =
        TrafficFilter.Match.bytes([0x45], at: 0) + TrafficFilter.Match.bytes([17], at: 9)
        + TrafficFilter.Match.bytes([0, 68], at: 22)
}
