// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform

/// A network that a pod has joined, as far as it matters to who the pod wants to talk to on the host.
package struct JoinedNetwork: Sendable, Equatable {
    package let name: String
    package let result: NetworkResult
    /// Whether its interfaces speak past the host, whatever addresses that has: macvlan and ipvlan.
    package let isolatesHost: Bool

    package init(name: String, result: NetworkResult, isolatesHost: Bool = false) {
        self.name = name
        self.result = result
        self.isolatesHost = isolatesHost
    }

    /// The addresses that the pod has there, without those of the link.
    package var addresses: [IPAddress] {
        result.addresses.map(\.address.address).filter { !$0.isLinkLocal && !$0.isUnspecified }
    }
}

/// Where a pod finds its host.
package enum HostGateway {
    /// The gateway of the first network that has one which is an address of the host, of IPv4 where it has both.
    ///
    /// - Parameters:
    ///   - networks: in the order in which they were joined.
    ///   - host: the addresses of this host's interfaces.
    /// - Throws: when there is none, with the remedy.
    package static func choose(_ networks: [JoinedNetwork], host: Set<IPAddress>) throws -> IPAddress {
        for network in networks where !network.isolatesHost {
            let gateways = network.result.addresses.compactMap(\.gateway)
                .filter { host.contains($0) && !$0.isLinkLocal && !$0.isLoopback && !$0.isUnspecified }
            if let gateway = gateways.first(where: \.isIPv4) ?? gateways.first { return gateway }
        }
        let names = networks.map { "\"\($0.name)\"" }.joined(separator: ", ")
        throw RuntimeError(
            .unsupported,
            "--mds-register needs a network that reaches this host; none of \(names) does, add default-restricted to "
                + "--net")
    }

    /// The addresses of all interfaces of the namespace that this thread is in.
    package static func hostAddresses() throws -> Set<IPAddress> {
        let socket = try RouteSocket()
        return Set(try socket.links().flatMap { try socket.addresses(of: $0).map(\.address) })
    }
}

extension PodNetworks {
    /// The networks that the pod has joined, from what is noted of them.
    package func joined() throws -> [JoinedNetwork] {
        let resolved = try ResolvedNetworks(reading: files.resolved)
        return try NetworkMembership.all(in: NetworkJournal(files.journal).read()).map { membership in
            guard let document = membership.result,
                let network = resolved.networks.first(where: { $0.name == membership.name })
            else {
                throw RuntimeError(.invalidState, "pod \"\(uuid)\" has not joined network \"\(membership.name)\"")
            }
            let type = network.configuration.plugins.first?.type
            return JoinedNetwork(
                name: network.name, result: try NetworkResult(document, version: network.configuration.version),
                isolatesHost: type == "macvlan" || type == "ipvlan")
        }
    }
}
