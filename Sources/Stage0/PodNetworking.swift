// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Networking

/// What `--net` asks for and what that is on this host, found out before anything of a pod is changed.
package struct PodNetworking: Sendable {
    package let selection: NetworkSelection
    package let resolved: ResolvedNetworks

    /// - Throws: when a network does not exist, or a file of networks cannot be understood.
    package init(_ options: RunOptions, _ settings: Settings) throws {
        selection = try NetworkSelection(parsing: options.networks)
        resolved = try ResolvedNetworks(
            selection, directories: settings.networkDirectories, localConfiguration: settings.localConfiguration)
    }

    /// Refuses what pods of a stage1 image cannot have.
    package func check(_ stage1: Stage1Interface) throws {
        guard selection != .host || !stage1.hasOwnKernel else {
            throw RuntimeError(
                .unsupported,
                "--net=host is not supported with a stage1 image whose pods have a kernel, and with it a network, of "
                    + "their own; use --net=default and --port")
        }
    }
}

/// Networks cannot be had: users are told that it is about them, whatever command they have given.
package struct PodNetworkingFailure: Error, CustomStringConvertible {
    package let cause: any Error

    package var description: String { "\(cause)" }
}

extension PodRuntime {
    /// The networks that a pod asks for.
    func podNetworking(_ options: RunOptions) throws -> PodNetworking {
        do {
            return try PodNetworking(options, settings)
        } catch {
            throw PodNetworkingFailure(cause: error)
        }
    }

    /// Refuses networks that pods of a stage1 image cannot have.
    func check(_ networks: PodNetworking, _ stage1: Stage1Interface) throws {
        do {
            try networks.check(stage1)
        } catch {
            throw PodNetworkingFailure(cause: error)
        }
    }
}
