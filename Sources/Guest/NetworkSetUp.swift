// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Gives the machine's network interfaces what the pod's configuration says.
package struct NetworkSetUp {
    package let interfaces: [PodConfiguration.Interface]
    /// Milliseconds until the devices are there, and again until they have a carrier.
    private let patience: Int

    package init(interfaces: [PodConfiguration.Interface], patience: Int = 5000) {
        self.interfaces = interfaces
        self.patience = patience
    }

    package func apply() throws {
        let socket = try RouteSocket()
        try socket.change(socket.link(named: "lo"), LinkChange(isUp: true))
        guard !interfaces.isEmpty else { return }
        try rename(socket)
        for interface in interfaces {
            do {
                try apply(interface, socket)
            } catch {
                throw RuntimeError(.internal, "setting up the network interface \(interface.name)", cause: error)
            }
        }
        try awaitCarriers(socket)
    }

    // MARK: - Names

    /// Names that the kernel has given may be those that others are to have, so all are moved out of the way first.
    private func rename(_ socket: RouteSocket) throws {
        let links = try find(socket)
        for (number, link) in links.enumerated() where link.name != interfaces[number].name {
            if link.isUp { try socket.change(link, LinkChange(isUp: false)) }
            try socket.change(link, LinkChange(name: "rkt\(number)"))
        }
        for (number, link) in links.enumerated() where link.name != interfaces[number].name {
            try socket.change(link, LinkChange(name: interfaces[number].name))
        }
    }

    /// The interfaces of the configuration, in its order. There is no udev to wait for, and drivers take their time.
    private func find(_ socket: RouteSocket) throws -> [NetworkLink] {
        let deadline = Clock.milliseconds + patience
        while true {
            let links = try socket.links()
            let found = interfaces.map { interface in
                links.first { $0.hardwareAddress?.bytes == interface.hardwareAddress }
            }
            if let all = found as? [NetworkLink] { return all }
            guard Clock.milliseconds < deadline else {
                let missing = zip(interfaces, found).first { $0.1 == nil }?.0
                let address = missing.flatMap { HardwareAddress(bytes: $0.hardwareAddress) }
                throw RuntimeError(
                    .timeout,
                    "the machine has no network interface with the address \(address.map { "\($0)" } ?? "?"), which is "
                        + "to be \(missing?.name ?? "?")")
            }
            usleep(1000)
        }
    }

    // MARK: - One interface

    private func apply(_ interface: PodConfiguration.Interface, _ socket: RouteSocket) throws {
        let link = try socket.link(named: interface.name)
        // The network's plugin says what an interface has, not a router; and no other machine has its addresses.
        for setting in [InterfaceSetting.acceptRouterAdvertisements, .detectDuplicates] {
            try setting.set(false, of: interface.name)
        }
        if link.mtu != interface.mtu { try socket.change(link, LinkChange(mtu: interface.mtu)) }
        try socket.change(link, LinkChange(isUp: true))
        for address in interface.addresses {
            try socket.add(InterfaceAddress(address), to: link, [.withoutDetection, .withoutRoute])
        }
        for route in interface.routes { try socket.add(NetworkRoute(route), through: link) }
    }

    /// What is sent before there is a carrier is lost, and apps would wait for it to be sent again. A network that is down
    /// keeps no pod from starting.
    private func awaitCarriers(_ socket: RouteSocket) throws {
        let names = Set(interfaces.map(\.name))
        let deadline = Clock.milliseconds + patience
        while try socket.links().contains(where: { names.contains($0.name) && !$0.hasCarrier }) {
            guard Clock.milliseconds < deadline else { return }
            usleep(1000)
        }
    }
}

extension InterfaceAddress {
    fileprivate init(_ address: PodConfiguration.Interface.Address) throws {
        self.init(
            try IPAddress(of: address.address), prefixLength: Int(address.prefixLength),
            broadcast: try address.broadcast.isEmpty ? nil : IPAddress(of: address.broadcast))
    }
}

extension NetworkRoute {
    fileprivate init(_ route: PodConfiguration.Interface.Route) throws {
        guard let destination = IPPrefix(try IPAddress(of: route.destination), length: Int(route.prefixLength)) else {
            throw RuntimeError(.invalidArgument, "a route to a prefix of \(route.prefixLength) bits")
        }
        self.init(
            to: destination, gateway: try route.gateway.isEmpty ? nil : IPAddress(of: route.gateway),
            source: try route.source.isEmpty ? nil : IPAddress(of: route.source), metric: route.metric, mtu: route.mtu,
            isOnLink: route.isOnLink)
    }
}

extension IPAddress {
    fileprivate init(of bytes: [UInt8]) throws {
        guard let address = IPAddress(bytes: bytes) else {
            throw RuntimeError(.invalidArgument, "an address of \(bytes.count) bytes")
        }
        self = address
    }
}
