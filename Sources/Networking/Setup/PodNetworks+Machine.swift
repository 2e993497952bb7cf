// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

extension PodNetworks {
    /// How interfaces of the pod's namespace are joined to its machine.
    package enum Joint: Sendable, CaseIterable {
        case tap, macvtap
    }

    /// Joins what a pod's networks have made to the pod's machine. Each interface is noted before it is changed, and
    /// `tearDown` gives it back.
    ///
    /// - Parameter joint: for interfaces that plugins have made; a macvlan network gives the machine one of its own.
    /// - Returns: in the order of the networks; the descriptors are the caller's to close.
    package func join(_ attached: AttachedNetworks, by joint: Joint) throws -> [JoinedInterface] {
        let journal = NetworkJournal(files.journal)
        let namespace = try NetworkNamespace.open(attached.namespace)
        defer { try? namespace.close() }
        let leasing = Set(
            try ResolvedNetworks(reading: files.resolved).networks
                .filter { $0.configuration.plugins.contains { $0.ipamType == DHCPDaemon.plugin } }.map(\.name))
        var joined: [JoinedInterface] = []
        for network in attached.networks {
            // The daemon listens to answers in the namespace, where a macvtap lets none through.
            let joint = leasing.contains(network.name) ? .tap : joint
            do {
                joined.append(
                    try interfaceJoint(network, joint).make(in: namespace) { try journal.append(.joined($0.json)) })
            } catch {
                for interface in joined { try? interface.descriptor.close() }
                throw Self.cannotJoin(network.name, error)
            }
        }
        return joined
    }

    private func interfaceJoint(_ network: AttachedNetwork, _ joint: Joint) throws -> InterfaceJoint {
        switch network.link {
        case .namespace:
            switch joint {
            case .tap: return .tap(interface: network.interface, guarding: .addresses)
            case .macvtap: return .macvtap(interface: network.interface, guarding: .addresses)
            }
        case .macvtap: return .network(try macvtap(network.link, network.interface, network.result))
        }
    }

    /// - Parameter result: nil for the interface alone.
    private func macvtap(
        _ link: AttachedNetwork.Link, _ name: String, _ result: NetworkResult? = nil
    ) throws -> MacvtapNetwork {
        guard case .macvtap(let parent, let text, let mtu) = link, let mode = MacvlanMode(rawValue: text) else {
            throw RuntimeError(.internal, "\(name) has no known mode")
        }
        return MacvtapNetwork(
            name: name, master: parent, mode: mode, guarding: .addresses, mtu: mtu.map { UInt32(clamping: $0) },
            addresses: result?.addresses.map {
                InterfaceAddress($0.address.address, prefixLength: $0.address.length)
            } ?? [],
            routes: result?.routes.map { route in
                NetworkRoute(to: route.destination, gateway: route.gateway ?? result?.gateway(for: route))
            } ?? [])
    }

    // MARK: - What is found out before there is a machine

    /// Makes the interface of a network that has none in the namespace by its plugins, so that nobody takes its master.
    func reserve(_ link: AttachedNetwork.Link, _ interface: String, in path: FilePath, _ network: String) throws {
        guard case .macvtap = link else { return }
        let namespace = try NetworkNamespace.open(path)
        defer { try? namespace.close() }
        do {
            try macvtap(link, interface).reserve(in: namespace)
        } catch {
            throw Self.cannotJoin(network, error)
        }
    }

    static func cannotJoin(_ network: String, _ error: any Error) -> RuntimeError {
        RuntimeError(
            (error as? RuntimeError)?.code ?? .internal,
            "network \"\(network)\" cannot be joined to the pod's machine", cause: error)
    }

    /// - Throws: when a machine does not take that many interfaces.
    func requireRoom(for networks: [SelectedNetwork]) throws {
        guard networks.count <= machine.interfaces else {
            throw RuntimeError(
                .unsupported,
                "the pod is to join \(networks.count) networks, but its machine takes \(machine.interfaces) interfaces; "
                    + "name fewer with --net")
        }
    }

    /// What a machine is joined to later must be there, whatever the plugin says, and must not be more than the machine
    /// can be told.
    func requireInterface(
        _ name: String, _ link: AttachedNetwork.Link, _ result: NetworkResult, in path: FilePath,
        _ network: SelectedNetwork
    ) throws {
        let addresses: Int
        let routes: Int
        switch link {
        case .macvtap:
            let planned = try macvtap(link, name, result)
            addresses = planned.addresses.count
            routes = GuestInterface.routes(of: planned.addresses, and: planned.routes).count
        case .namespace:
            let namespace = try NetworkNamespace.open(path)
            defer { try? namespace.close() }
            let guest = try NetworkNamespace.enter(namespace) {
                let socket = try RouteSocket()
                return try socket.links().first { $0.name == name }.map {
                    try GuestInterface(reading: $0, $0.requireHardwareAddress(), socket)
                }
            }
            guard let guest else {
                throw RuntimeError(
                    .invalidState,
                    "plugin \"\(network.configuration.plugins[0].type)\" of network \"\(network.name)\" says that it has "
                        + "joined the pod, but has made no interface \(name)")
            }
            addresses = guest.addresses.count
            routes = guest.routes.count
        }
        for (count, limit, what) in [(addresses, machine.addresses, "addresses"), (routes, machine.routes, "routes")] {
            guard count > limit else { continue }
            throw RuntimeError(
                .unsupported,
                "network \"\(network.name)\" gives the interface \(name) \(count) \(what), but a machine's takes \(limit)"
            )
        }
    }
}

extension NetworkResult {
    /// The way that a route without a gateway takes: that of the address of its family.
    fileprivate func gateway(for route: Route) -> IPAddress? {
        let family = route.destination.address.family
        return addresses.first { $0.address.address.family == family }.flatMap(\.gateway)
    }
}
