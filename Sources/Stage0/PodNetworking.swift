// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Networking

/// What `--net` asks for and what that is on this host, found out before anything of a pod is changed.
package struct PodNetworking: Sendable {
    package let selection: NetworkSelection
    package let resolved: ResolvedNetworks

    /// What is asked for in vain, as pods of the stage1 image are on the host's network whatever is said.
    package let ignored: NetworkSelection?

    /// - Throws: when a network does not exist, a file of networks cannot be understood, or pods of the stage1 image
    ///   cannot have what is asked for.
    package init(_ options: RunOptions, _ settings: Settings, for stage1: Stage1Interface) throws {
        guard stage1.isOnHostNetwork else {
            try self.init(options, settings)
            try check(stage1)
            return
        }
        let asked = try NetworkSelection(parsing: options.networks)
        // Also what nobody has asked for.
        let standard = try NetworkSelection(parsing: RunOptions().networks)
        try self.init(.host, settings, ignored: asked == .host || asked == standard ? nil : asked)
    }

    /// - Throws: when a network does not exist, or a file of networks cannot be understood.
    package init(_ options: RunOptions, _ settings: Settings) throws {
        try self.init(NetworkSelection(parsing: options.networks), settings, ignored: nil)
    }

    private init(_ selection: NetworkSelection, _ settings: Settings, ignored: NetworkSelection?) throws {
        self.selection = selection
        self.ignored = ignored
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
    /// Refuses networks that cannot be had before images of apps are looked for, unless pods of the stage1 image have
    /// none of their own.
    func checkNetworks(_ options: RunOptions, _ request: PodRequest, _ finder: ImageFinder) throws {
        do {
            _ = try PodNetworking(options, settings)
        } catch {
            let stage1 = try? finder.findStage1(request.stage1)
            let interface = try? stage1.map { try Stage1Interface(finder.store.manifest(of: $0)) }
            guard interface?.isOnHostNetwork == true else { throw PodNetworkingFailure(cause: error) }
        }
    }

    /// The networks that a pod asks for, as far as pods of a stage1 image can have them.
    func podNetworking(_ options: RunOptions, _ stage1: Stage1Interface) throws -> PodNetworking {
        let networks: PodNetworking
        do {
            networks = try PodNetworking(options, settings, for: stage1)
        } catch {
            throw PodNetworkingFailure(cause: error)
        }
        if let ignored = networks.ignored {
            notices.warning(
                "networking",
                "--net=\(ignored.text) does nothing: pods of this stage1 image are on the host's network; use another "
                    + "image for a network of the pod's own")
        }
        return networks
    }
}
