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

    /// How much of networks a machine can be told.
    package struct MachineLimits: Sendable {
        package var interfaces: Int
        /// Those of one interface.
        package var addresses: Int
        /// Those of one interface.
        package var routes: Int

        package init(interfaces: Int = .max, addresses: Int = .max, routes: Int = .max) {
            self.interfaces = interfaces
            self.addresses = addresses
            self.routes = routes
        }
    }

    let uuid: PodUUID
    let files: Files
    /// For each run of a plugin.
    package var limits = ProcessLimits()
    /// What is more is refused before the machine starts.
    package var machine = MachineLimits()
    package var tools = HostTools.installed()
    package var namespaces: FilePath = "/var/run/netns"
    /// Where host-local keeps leases unless it is configured otherwise.
    package var leases: FilePath = "/var/lib/cni/networks"

    /// Tells this start of the host from others; nil where the kernel does not say.
    package var boot = PodNetworks.currentBoot()

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
        if consumer == .virtualMachine { try requireRoom(for: resolved.networks) }
        let mappings = try PortMapping.mappings(ports)
        var refusing: Set<String> = []
        do {
            return try join(resolved, consumer, mappings, &refusing)
        } catch {
            if let failure = tearDown(refusing: refusing).failures.first {
                throw CleanupError(primary: error, cleanup: failure)
            }
            throw error
        }
    }

    private func join(
        _ resolved: ResolvedNetworks, _ consumer: Consumer, _ mappings: [PortMapping], _ refusing: inout Set<String>
    ) throws -> AttachedNetworks {
        let chosen = mappings.isEmpty ? nil : PortForwarding.network(among: resolved.networks)
        let reservation = PortReservation()
        if let chosen, resolved.networks[chosen].configuration.mapsPorts {
            try reserve(mappings, for: resolved.networks[chosen], reservation)
        }
        let journal = NetworkJournal(files.journal)
        let namespace = namespaces.appending("cni-\(uuid)")
        try journal.append(.namespace(namespace))
        try NetworkNamespaceMount.make(at: namespace)
        try FileSystem.writeAtomically("\(namespace)\n".utf8, to: files.namespace)

        var networks: [AttachedNetwork] = []
        for (index, network) in resolved.networks.enumerated() {
            let isMapping = index == chosen && network.configuration.mapsPorts
            let mapped = isMapping ? mappings.flatMap(\.capability) : []
            networks.append(
                try attach(
                    network, "eth\(index)", consumer, namespace, resolved.pluginPaths, mapped, journal, &refusing))
        }
        let ports = try reserve(
            mappings, through: chosen.map { (networks[$0], resolved.networks[$0].configuration) }, reservation)
        if let forwarding = ports.forwarding {
            try rules.apply(
                forwarding, note: { try journal.append(.ports(tool: $0.rawValue, boot: boot)) },
                noteLoopback: { try journal.append(.loopback(interface: $0)) })
        }
        let info = JSONValue.array(networks.map(\.info)).encoded()
        try FileSystem.writeAtomically((info + "\n").utf8, to: files.info)
        return AttachedNetworks(
            namespace: namespace, networks: networks, warnings: ports.warnings, reservation: reservation)
    }

    private func attach(
        _ network: SelectedNetwork, _ interface: String, _ consumer: Consumer, _ namespace: FilePath,
        _ pluginPaths: [String], _ portMappings: [JSONValue], _ journal: NetworkJournal, _ refusing: inout Set<String>
    ) throws -> AttachedNetwork {
        let link = try link(network, consumer)
        try requireParent(link, network.name)
        let addressOnly = link != .namespace
        let search = PluginSearch(paths: pluginPaths, directory: files.directory)
        let context = PluginContext(
            network: network, uuid: uuid, namespace: namespace.string, interface: interface, search: search,
            portMappings: portMappings, limits: limits)
        let chain = try NetworkChain(context, addressOnly: addressOnly)
        let plugin = try chain.firstType.map { try search.find($0, network: network.name) }
        try reserve(link, interface, in: namespace, network.name)
        try journal.append(
            .network(
                name: network.name, interface: interface, addressOnly: addressOnly, portMappings: portMappings))
        let result = try chain.add { refusing.insert(network.name) }
        if consumer == .virtualMachine { try requireInterface(interface, link, result, in: namespace, network) }
        try journal.append(.attached(name: network.name, result: result.document))
        return AttachedNetwork(
            name: network.name, interface: interface, link: link, result: result, arguments: network.arguments,
            file: network.configuration.file, plugin: plugin)
    }

    /// A machine's own interface cannot share the hardware address of a macvlan, so it is made from the same parent.
    func link(_ network: SelectedNetwork, _ consumer: Consumer) throws -> AttachedNetwork.Link {
        guard consumer == .virtualMachine, let plugin = network.configuration.plugins.first, plugin.type == "macvlan"
        else { return .namespace }
        guard let parent = plugin.parent else {
            throw RuntimeError(
                .invalidArgument, "network \"\(network.name)\" does not say on which interface it is: master is missing"
            )
        }
        let mode = plugin.mode ?? "bridge"
        guard MacvlanMode(rawValue: mode) != nil else {
            let known = MacvlanMode.allCases.map(\.rawValue).joined(separator: ", ")
            throw RuntimeError(
                .invalidArgument, "network \"\(network.name)\" has the mode \"\(oneLine(mode))\": use one of \(known)")
        }
        return .macvtap(parent: parent, mode: mode, mtu: plugin.mtu.flatMap { $0 > 0 ? $0 : nil })
    }

    /// A machine's network can be told to be missing before anything is made for it.
    private func requireParent(_ link: AttachedNetwork.Link, _ network: String) throws {
        guard case .macvtap(let parent, _, _) = link else { return }
        guard try RouteSocket().links().contains(where: { $0.name == parent }) else {
            throw RuntimeError(
                .notFound, "network \"\(network)\" is on the interface \"\(parent)\", which the host does not have")
        }
    }
}
