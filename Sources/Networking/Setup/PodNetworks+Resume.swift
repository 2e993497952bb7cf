// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform

extension PodNetworks {
    /// Takes over what another process has set up and left as it was. The host's ports are held again. When it throws,
    /// everything is undone.
    ///
    /// - Parameters: those of `setUp`.
    /// - Returns: nil when nothing was set up.
    package func resume(for consumer: Consumer, ports: [ForwardedPort] = []) throws -> AttachedNetworks? {
        guard FileSystem.exists(files.journal) else { return nil }
        do {
            return try resumed(consumer, PortMapping.mappings(ports))
        } catch {
            if let failure = tearDown().failures.first { throw CleanupError(primary: error, cleanup: failure) }
            throw error
        }
    }

    private func resumed(_ consumer: Consumer, _ mappings: [PortMapping]) throws -> AttachedNetworks {
        let resolved = try ResolvedNetworks(reading: files.resolved)
        let entries = try NetworkJournal(files.journal).read()
        let memberships = NetworkMembership.all(in: entries)
        guard let namespace = namespace(entries), FileSystem.exists(files.info),
            memberships.map(\.name) == resolved.networks.map(\.name)
        else {
            throw RuntimeError(
                .invalidState, "the networks of pod \"\(uuid)\" were set up in part; remove it with `rkt rm`")
        }
        let networks = try zip(memberships, resolved.networks).map { try attached($0, $1, consumer) }
        let chosen = mappings.isEmpty ? nil : PortForwarding.network(among: resolved.networks)
        let reservation = PortReservation()
        _ = try reserve(
            mappings, through: chosen.map { (networks[$0], resolved.networks[$0].configuration) }, reservation)
        return AttachedNetworks(
            namespace: namespace, networks: networks, warnings: [], reservation: reservation)
    }

    private func attached(
        _ membership: NetworkMembership, _ network: SelectedNetwork, _ consumer: Consumer
    ) throws -> AttachedNetwork {
        guard let document = membership.result else {
            throw RuntimeError(.invalidState, "pod \"\(uuid)\" has not joined network \"\(network.name)\"")
        }
        return AttachedNetwork(
            name: network.name, interface: membership.interface, link: try link(network, consumer),
            result: try NetworkResult(document, version: network.configuration.version),
            arguments: network.arguments, file: network.configuration.file, plugin: nil)
    }
}
