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
                throw RuntimeError(
                    (error as? RuntimeError)?.code ?? .internal,
                    "network \"\(network.name)\" cannot be joined to the pod's machine", cause: error)
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
        case .macvtap(let parent, let mode, let mtu):
            guard let mode = MacvlanMode(rawValue: mode) else {
                let known = MacvlanMode.allCases.map(\.rawValue).joined(separator: ", ")
                throw RuntimeError(.invalidArgument, "its mode \"\(mode)\" is none of \(known)")
            }
            return .network(
                MacvtapNetwork(
                    name: network.interface, master: parent, mode: mode, guarding: .addresses,
                    mtu: mtu.map { UInt32(clamping: $0) },
                    addresses: network.result.addresses.map {
                        InterfaceAddress($0.address.address, prefixLength: $0.address.length)
                    },
                    routes: network.result.routes.map { route in
                        NetworkRoute(to: route.destination, gateway: route.gateway ?? network.gateway(for: route))
                    }))
        }
    }
}

extension AttachedNetwork {
    /// The way that a route without a gateway takes: that of the address of its family.
    fileprivate func gateway(for route: NetworkResult.Route) -> IPAddress? {
        let family = route.destination.address.family
        return result.addresses.first { $0.address.address.family == family }.flatMap(\.gateway)
    }
}
