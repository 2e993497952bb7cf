// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// How a pod is joined to a network.
///
/// A backend lists the kinds it accepts; a machine without an attachment has a loopback interface only.
package enum NetworkAttachment: Sendable, Equatable {
    /// The host's own network.
    case host
    /// A network namespace, by the path it is mounted at.
    case namespace(FilePath)

    /// A case without its payload.
    package enum Kind: String, Sendable, CaseIterable {
        case host
        case namespace
    }

    package var kind: Kind {
        switch self {
        case .host: .host
        case .namespace: .namespace
        }
    }
}
