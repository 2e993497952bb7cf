// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage

/// A network that a pod has joined.
package struct AttachedNetwork: Sendable, Equatable {
    /// What the pod's machine or container gets.
    package enum Link: Sendable, Equatable {
        /// An interface in the pod's namespace has the name of `interface`.
        case namespace
        /// Nothing is in the namespace: the machine gets a macvtap on this interface of the host.
        case macvtap(parent: String, mode: String, mtu: Int?)
    }

    package let name: String
    /// The name of the interface in the pod: `eth0`, `eth1` and so on.
    package let interface: String
    package let link: Link
    /// What the plugins say they have made.
    package let result: NetworkResult
    /// `KEY=VALUE;…` of the command line; may be empty.
    package let arguments: String
    /// Where the network is configured; nil for a built-in one.
    package let file: FilePath?
    /// The program of the first plugin.
    package let plugin: FilePath?

    /// The pod's address: that of IPv4 where there is one.
    package var address: IPPrefix? { result.address(isIPv4: true) ?? result.address(isIPv4: false) }

    /// The hardware address that the plugins gave the pod's interface; nil when they do not say.
    package var hardwareAddress: String? {
        result.interfaces.first { $0.name == interface && $0.sandbox != nil }?.mac
    }

    /// The element of `net-info.json`.
    var info: JSONValue {
        [
            "netName": .string(name), "netConf": .string(file?.string ?? ""),
            "pluginPath": .string(plugin?.string ?? ""), "ifName": .string(interface),
            "ip": .string(address.map { "\($0.address)" } ?? ""), "args": .string(arguments),
            "mask": .string(address.map { "\($0.mask)" } ?? ""),
        ]
    }
}

/// All of a pod's networks. The host's side of forwarded ports is held for as long as this exists.
package struct AttachedNetworks: Sendable {
    /// Where the pod's network namespace is mounted.
    package let namespace: FilePath
    /// In the order in which they were joined.
    package let networks: [AttachedNetwork]
    /// What the user should know and what is no reason not to go on, one line each.
    package let warnings: [String]
    private let reservation: PortReservation

    init(namespace: FilePath, networks: [AttachedNetwork], warnings: [String], reservation: PortReservation) {
        self.namespace = namespace
        self.networks = networks
        self.warnings = warnings
        self.reservation = reservation
    }

    /// For resolv.conf(5): that of the first network that names a server; nil when none does.
    package var dns: NetworkResult.DNS? { networks.map(\.result.dns).first { !$0.nameservers.isEmpty } }
}
