// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform

/// What has to hold on the host so that its ports lead to a pod: a pure value that tools' input is rendered from.
package struct PortForwarding: Sendable, Equatable {
    /// The pod's side for one family of addresses.
    package struct Target: Sendable, Equatable {
        /// The pod's address with the length of its network's prefix.
        package let address: IPPrefix
        /// The interface of the host that leads there; nil when none does.
        package let interface: String?

        package init(address: IPPrefix, interface: String?) {
            self.address = address
            self.interface = interface
        }

        var isIPv4: Bool { address.address.isIPv4 }
    }

    package let uuid: PodUUID
    package let targets: [Target]
    package let mappings: [PortMapping]

    package init(uuid: PodUUID, targets: [Target], mappings: [PortMapping]) {
        self.uuid = uuid
        self.targets = targets
        self.mappings = mappings
    }

    /// The network that forwarded ports lead through: the first one that masquerades, or else the last.
    ///
    /// - Parameter networks: in the order in which they are loaded.
    package static func network(among networks: [SelectedNetwork]) -> Int? {
        networks.firstIndex { $0.configuration.masquerades } ?? networks.indices.last
    }

    /// The mappings that a target takes part in.
    func mappings(for target: Target) -> [PortMapping] { mappings.filter { $0.applies(toIPv4: target.isIPv4) } }

    /// Whether the host is to reach a target by 127.0.0.1, which takes a setting of the interface.
    func needsLoopback(_ target: Target) -> Bool {
        target.isIPv4 && target.interface != nil && mappings(for: target).contains(where: \.includesLoopback)
    }
}
