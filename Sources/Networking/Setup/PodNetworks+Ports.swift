// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform

/// What becomes of the ports that a pod exposes.
struct ReservedPorts {
    /// What rules have to bring about; nil when there is nothing to do, or a plugin does it.
    var forwarding: PortForwarding?
    /// Why some lead nowhere.
    var warnings: [String] = []
}

extension PodNetworks {
    var rules: PortRules { PortRules(tools: tools, directory: files.directory, lock: namespaces) }

    /// As the kernel tells it (proc(5), /proc/sys/kernel/random/boot_id).
    static func currentBoot() -> String? {
        let text = (try? FileSystem.readText("/proc/sys/kernel/random/boot_id", limit: 64))?.prefix { !$0.isNewline }
        return text.flatMap { $0.isEmpty ? nil : String($0) }
    }

    /// Takes the host's side of ports for a plugin that is going to lead them to the pod, and would take them from whoever
    /// has them. The families of addresses are those that the network is configured with; all where it does not say.
    func reserve(_ mappings: [PortMapping], for network: SelectedNetwork, _ reservation: PortReservation) throws {
        let configured = network.configuration.plugins.compactMap(\.addressFamilies).first
        try reservation.hold(mappings, configured ?? [.v4, .v6])
    }

    /// Takes the host's side of ports and finds out where they are to lead.
    ///
    /// - Parameter reservation: what is held already is not taken again.
    /// - Throws: code `busy` for a port that is in use.
    func reserve(
        _ mappings: [PortMapping], through chosen: (network: AttachedNetwork, configuration: NetworkConfiguration)?,
        _ reservation: PortReservation
    ) throws -> ReservedPorts {
        guard !mappings.isEmpty else { return ReservedPorts() }
        let names = mappings.map { "\"\($0.name)\"" }.joined(separator: ", ")
        guard let chosen else {
            return ReservedPorts(warnings: ["nothing is forwarded to port \(names): the pod has no network"])
        }
        let network = "network \"\(chosen.network.name)\""
        if case .macvtap = chosen.network.link {
            return ReservedPorts(
                warnings: ["nothing is forwarded to port \(names): the host does not reach pods of \(network)"])
        }
        let targets = [true, false].compactMap { isIPv4 in
            chosen.network.result.address(isIPv4: isIPv4).map { address in
                PortForwarding.Target(
                    address: address, interface: isIPv4 ? HostRoute.interface(to: address.address) : nil)
            }
        }
        try reservation.hold(mappings, Set(targets.map(\.address.address.family)))
        // The network's own plugin has done it.
        if chosen.configuration.mapsPorts { return ReservedPorts() }
        let unserved = mappings.filter { mapping in !targets.contains { mapping.applies(toIPv4: $0.isIPv4) } }
        return ReservedPorts(
            forwarding: PortForwarding(uuid: uuid, targets: targets, mappings: mappings),
            warnings: unserved.map {
                "nothing is forwarded to port \"\($0.name)\": \(network) has no address of that family"
            })
    }
}
