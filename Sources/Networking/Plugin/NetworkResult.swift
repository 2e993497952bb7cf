// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform

/// What a plugin says it has made, whatever version of the specification it speaks.
package struct NetworkResult: Sendable, Equatable {
    package struct Interface: Sendable, Equatable {
        package let name: String
        /// Octets in lower-case hexadecimal, separated by colons.
        package let mac: String?
        /// The path of its namespace; nil for an interface of the host.
        package let sandbox: String?
    }

    package struct Address: Sendable, Equatable {
        /// Index of the interface that has it; nil when the plugin does not say.
        package let interface: Int?
        package let address: IPPrefix
        package let gateway: IPAddress?
    }

    package struct Route: Sendable, Equatable {
        package let destination: IPPrefix
        /// Nil for the gateway of the address of the same family.
        package let gateway: IPAddress?
    }

    /// What goes into resolv.conf(5).
    package struct DNS: Sendable, Equatable {
        package var nameservers: [IPAddress] = []
        package var domain: String?
        package var search: [String] = []
        package var options: [String] = []

        package init() {}
    }

    package let interfaces: [Interface]
    package let addresses: [Address]
    package let routes: [Route]
    package let dns: DNS
    /// The result as the plugin has printed it, for the next plugin and for DEL.
    package let document: JSONValue

    /// The first address of a family.
    package func address(isIPv4: Bool) -> IPPrefix? { addresses.first { $0.address.address.isIPv4 == isIPv4 }?.address }
}
