// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Joins a pod to its networks and takes it out again.
///
/// Both have to run in the host's mount and network namespaces.
package struct PodNetworks: Sendable {
    /// The paths of one pod that matter here.
    package struct Files: Sendable {
        /// The pod's directory.
        package let directory: FilePath
        /// What `ResolvedNetworks` has written.
        package let resolved: FilePath
        /// What has been done to the host; it exists while anything of that may still be there.
        package let journal: FilePath
        /// Says where the namespace is mounted.
        package let namespace: FilePath
        /// The networks for `status` and `list`.
        package let info: FilePath

        package init(
            directory: FilePath, resolved: FilePath, journal: FilePath, namespace: FilePath, info: FilePath
        ) {
            self.directory = directory
            self.resolved = resolved
            self.journal = journal
            self.namespace = namespace
            self.info = info
        }
    }

    /// What the networks are for.
    package enum Consumer: Sendable {
        /// macvlan networks run only their address management.
        case virtualMachine
        case container
    }

    let uuid: PodUUID
    let files: Files
    /// For each run of a plugin.
    package var limits = ProcessLimits()
    package var tools = HostTools.installed()
    package var namespaces: FilePath = "/var/run/netns"
    /// Where host-local keeps leases unless it is configured otherwise.
    package var leases: FilePath = "/var/lib/cni/networks"

    package init(uuid: PodUUID, files: Files) {
        self.uuid = uuid
        self.files = files
    }

    /// Makes the pod's namespace and joins its networks. When it throws, everything is undone.
    ///
    /// - Parameter ports: the host's ports that are to lead to the pod.
    /// - Returns: nil for a pod that uses the host's network, and for a machine without networks, which needs nothing of
    ///   the host.
    package func setUp(for consumer: Consumer, ports: [ForwardedPort] = []) throws -> AttachedNetworks? {
        let resolved = try ResolvedNetworks(reading: files.resolved)
        guard !resolved.usesHostNetwork, consumer == .container || !resolved.networks.isEmpty else { return nil }
        guard !FileSystem.exists(files.journal) else {
            throw RuntimeError(.invalidState, "pod \"\(uuid)\" has networks already; remove it with `rkt rm`")
        }
        let mappings = try PortMapping.mappings(ports)
        do {
            return try join(resolved, consumer, mappings)
        } catch {
            if let failure = tearDown().failures.first { throw CleanupError(primary: error, cleanup: failure) }
            throw error
        }
    }

    private func join(
        _ resolved: ResolvedNetworks, _ consumer: Consumer, _ mappings: [PortMapping]
    ) throws -> AttachedNetworks {
        let journal = NetworkJournal(files.journal)
        let namespace = namespaces.appending("cni-\(uuid)")
        try journal.append(.namespace(namespace))
        try NetworkNamespaceMount.make(at: namespace)
        try FileSystem.writeAtomically("\(namespace)\n".utf8, to: files.namespace)

        let chosen = mappings.isEmpty ? nil : PortForwarding.network(among: resolved.networks)
        var networks: [AttachedNetwork] = []
        for (index, network) in resolved.networks.enumerated() {
            let mapped = index == chosen && network.configuration.mapsPorts ? mappings.flatMap(\.capability) : []
            networks.append(
                try attach(network, "eth\(index)", consumer, namespace, resolved.pluginPaths, mapped, journal))
        }
        let (reservation, warnings) = try forward(
            mappings, through: chosen.map { (networks[$0], resolved.networks[$0].configuration) }, journal)
        let info = JSONValue.array(networks.map(\.info)).encoded()
        try FileSystem.writeAtomically((info + "\n").utf8, to: files.info)
        return AttachedNetworks(
            namespace: namespace, networks: networks, warnings: warnings, reservation: reservation)
    }

    private func attach(
        _ network: SelectedNetwork, _ interface: String, _ consumer: Consumer, _ namespace: FilePath,
        _ pluginPaths: [String], _ portMappings: [JSONValue], _ journal: NetworkJournal
    ) throws -> AttachedNetwork {
        let link = try link(network, consumer)
        let addressOnly = link != .namespace
        let search = PluginSearch(paths: pluginPaths, directory: files.directory)
        let context = PluginContext(
            network: network, uuid: uuid, namespace: namespace.string, interface: interface, search: search,
            portMappings: portMappings, limits: limits)
        let chain = try NetworkChain(context, addressOnly: addressOnly)
        let plugin = try chain.firstType.map { try search.find($0, network: network.name) }
        try journal.append(
            .network(
                name: network.name, interface: interface, addressOnly: addressOnly, portMappings: portMappings))
        let result = try chain.add()
        try journal.append(.attached(name: network.name, result: result.document))
        return AttachedNetwork(
            name: network.name, interface: interface, link: link, result: result, arguments: network.arguments,
            file: network.configuration.file, plugin: plugin)
    }

    /// A machine's own interface cannot share the hardware address of a macvlan, so it is made from the same parent.
    private func link(_ network: SelectedNetwork, _ consumer: Consumer) throws -> AttachedNetwork.Link {
        guard consumer == .virtualMachine, let plugin = network.configuration.plugins.first, plugin.type == "macvlan"
        else { return .namespace }
        guard let parent = plugin.parent else {
            throw RuntimeError(
                .invalidArgument, "network \"\(network.name)\" does not say on which interface it is: master is missing"
            )
        }
        return .macvtap(parent: parent, mode: plugin.mode ?? "bridge", mtu: plugin.mtu.flatMap { $0 > 0 ? $0 : nil })
    }

    // MARK: - Ports

    private func forward(
        _ mappings: [PortMapping], through chosen: (network: AttachedNetwork, configuration: NetworkConfiguration)?,
        _ journal: NetworkJournal
    ) throws -> (PortReservation?, warnings: [String]) {
        guard !mappings.isEmpty else { return (nil, []) }
        let names = mappings.map { "\"\($0.name)\"" }.joined(separator: ", ")
        guard let chosen else { return (nil, ["nothing is forwarded to port \(names): the pod has no network"]) }
        let network = "network \"\(chosen.network.name)\""
        if case .macvtap = chosen.network.link {
            return (nil, ["nothing is forwarded to port \(names): the host does not reach pods of \(network)"])
        }
        let targets = [true, false].compactMap { isIPv4 in
            chosen.network.result.address(isIPv4: isIPv4).map { address in
                PortForwarding.Target(
                    address: address, interface: isIPv4 ? HostRoute.interface(to: address.address) : nil)
            }
        }
        let reservation = try PortReservation(
            mappings, isIPv4: targets.contains(where: \.isIPv4), isIPv6: targets.contains { !$0.isIPv4 })
        // The network's own plugin has done it.
        if chosen.configuration.mapsPorts { return (reservation, []) }
        let forwarding = PortForwarding(uuid: uuid, targets: targets, mappings: mappings)
        let unserved = mappings.filter { mapping in !targets.contains { mapping.applies(toIPv4: $0.isIPv4) } }
        try PortRules(tools: tools, directory: files.directory).apply(forwarding) { tool in
            try journal.append(.ports(tool: tool.rawValue))
        }
        return (
            reservation,
            unserved.map { "nothing is forwarded to port \"\($0.name)\": \(network) has no address of that family" }
        )
    }
}
