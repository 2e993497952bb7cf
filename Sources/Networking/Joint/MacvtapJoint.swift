// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// A macvtap on the interface that takes all its frames. The calling thread is in the pod's namespace.
struct MacvtapJoint {
    let interface: String
    let guarding: SourceGuard
    let socket: RouteSocket

    func make(_ record: (GuestInterface) throws -> Void) throws -> JoinedInterface {
        let link = try socket.link(named: interface)
        let guest = try GuestInterface(reading: link, link.requireHardwareAddress(), socket)
        try record(guest)
        let names = Set(try socket.links().map(\.name))
        guard let name = (0...names.count).map({ "macvtap\($0)" }).first(where: { !names.contains($0) }) else {
            throw RuntimeError(.internal, "all names for a macvtap are taken")
        }
        // In this mode it has the hardware address of the interface.
        try socket.addMacvtap(name, on: link, mode: .passthru)
        let tap = try socket.link(named: name)
        return try undoing {
            try Handover(link: link, guest: guest, socket: socket).make()
            try socket.change(link, LinkChange(isUp: true))
            return JoinedInterface(descriptor: try Self.open(tap, guest, guarding, socket), guest: guest)
        } with: {
            try socket.remove(tap)
            try Handover(link: link, guest: guest, socket: socket).undo()
        }
    }

    /// Brings a macvtap up and opens its device.
    static func open(
        _ tap: NetworkLink, _ guest: GuestInterface, _ guarding: SourceGuard, _ socket: RouteSocket
    ) throws -> FileDescriptor {
        try InterfaceSetting.disableIPv6.set(true, of: tap.name)
        if guarding != .none { try socket.setGates(SourceRules(guest, guarding).gates, on: tap) }
        // The kernel does not see which groups the guest joins, such as those by which IPv6 looks for its addresses.
        try socket.change(tap, LinkChange(isUp: true, takesAllGroups: true))
        return try TapDevice.openMacvtap(tap)
    }
}

extension MacvtapNetwork {
    /// Makes the interface right in the pod's namespace, with which it goes; `make` gives it to the machine. From here on
    /// nobody else can take its master in a way that would keep the machine off it.
    func reserve(in namespace: FileDescriptor) throws {
        let socket = try RouteSocket()
        let master = try socket.link(named: master)
        if let mtu, mtu > master.mtu {
            throw RuntimeError(
                .invalidArgument,
                "its mtu \(mtu) is larger than that of the interface \"\(master.name)\", \(master.mtu)")
        }
        do {
            try socket.addMacvtap(
                name, on: master, mode: mode, hardwareAddress: HardwareAddress.random(), mtu: mtu, in: namespace)
        } catch let error as RuntimeError where error.code == .invalidArgument || error.code == .busy {
            throw RuntimeError(
                error.code,
                "the interface \"\(master.name)\" is not to be had in mode \(mode.rawValue): it is no Ethernet interface, "
                    + "or a pod, a bridge or another macvlan has it", cause: error)
        }
    }

    /// Takes the interface that `reserve` has made, or makes one.
    func make(
        in namespace: FileDescriptor, _ record: (GuestInterface) throws -> Void
    ) throws -> JoinedInterface {
        let isReserved = try NetworkNamespace.enter(namespace) { try RouteSocket().links() }
            .contains { $0.name == name && $0.kind == "macvtap" }
        if !isReserved { try reserve(in: namespace) }
        return try NetworkNamespace.enter(namespace) {
            let inside = try RouteSocket()
            let tap = try inside.link(named: name)
            return try undoing {
                let guest = GuestInterface(
                    name: name, hardwareAddress: try tap.requireHardwareAddress(), mtu: tap.mtu, addresses: addresses,
                    routes: GuestInterface.routes(of: addresses, and: routes))
                try record(guest)
                return JoinedInterface(descriptor: try MacvtapJoint.open(tap, guest, guarding, inside), guest: guest)
            } with: {
                try inside.remove(tap)
            }
        }
    }
}
