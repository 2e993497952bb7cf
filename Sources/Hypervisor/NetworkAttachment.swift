// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// How a pod is joined to networks.
///
/// A backend lists the kinds it accepts.
package enum NetworkAttachment: Sendable, Equatable {
    /// By interfaces that the machine is given; without any it has a loopback interface only.
    case interfaces([MachineInterface])
    /// By what a network namespace has, which is mounted at that path.
    case namespace(FilePath)
    /// The host's own network.
    case host

    /// A case without its payload.
    package enum Kind: String, Sendable, CaseIterable {
        case interfaces
        case namespace
        case host
    }

    package var kind: Kind {
        switch self {
        case .interfaces: .interfaces
        case .namespace: .namespace
        case .host: .host
        }
    }
}
