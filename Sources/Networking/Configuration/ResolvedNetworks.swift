// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The networks of one pod with all that is needed to join and to leave them, as its directory keeps them.
package struct ResolvedNetworks: Sendable, Equatable {
    /// Whether the pod uses the caller's own network; there are no `networks` then.
    package let usesHostNetwork: Bool
    /// In the order in which they are joined.
    package let networks: [SelectedNetwork]
    /// Where plugins are looked for, in this order; what is not absolute is below the pod's directory.
    package let pluginPaths: [String]

    private static let format = 1
    private static let sizeLimit = 16 << 20

    package init(usesHostNetwork: Bool = false, networks: [SelectedNetwork], pluginPaths: [String]) {
        self.usesHostNetwork = usesHostNetwork
        self.networks = networks
        self.pluginPaths = pluginPaths
    }

    /// Finds out what a selection means on this host.
    ///
    /// - Parameters:
    ///   - directories: of files of networks; each overrides those before it.
    ///   - localConfiguration: the host's configuration, whose `net.d` may hold plugins, too.
    package init(_ selection: NetworkSelection, directories: [FilePath], localConfiguration: FilePath) throws {
        let paths = ResolvedNetworks.pluginPaths(localConfiguration)
        switch selection {
        case .none: self.init(networks: [], pluginPaths: paths)
        case .host: self.init(usesHostNetwork: true, networks: [], pluginPaths: paths)
        case .networks:
            let flannel = FlannelDelegation(pluginPaths: paths)
            let networks = try NetworkCatalog(reading: directories).select(selection).map(flannel.resolve)
            try DHCPDaemon.check(networks)
            self.init(networks: networks, pluginPaths: paths)
        }
    }

    /// Where plugins are looked for, given the host's configuration.
    static func pluginPaths(_ localConfiguration: FilePath) -> [String] {
        [localConfiguration.appending("net.d").string] + standardPluginPaths
    }

    /// The distribution's plugins come last.
    private static let standardPluginPaths = [
        "/usr/lib/rkt/plugins/net", "stage1/rootfs/usr/lib/rkt/plugins/net", "/usr/lib/cni",
    ]

    // MARK: - The file

    package func write(to path: FilePath) throws {
        let networks = networks.map { network -> JSONValue in
            let configuration = network.configuration
            return [
                "name": .string(network.name), "args": .string(network.arguments),
                "form": .string(configuration.form.rawValue), "file": .string(configuration.file?.string ?? ""),
                "configuration": .string(String(decoding: configuration.document, as: UTF8.self)),
            ]
        }
        let document: JSONValue = [
            "format": JSONValue(ResolvedNetworks.format), "host": .bool(usesHostNetwork),
            "pluginPaths": .array(pluginPaths.map { .string($0) }), "networks": .array(networks),
        ]
        // Files of networks may hold secrets of their plugins.
        try FileSystem.writeAtomically((document.encoded(pretty: true) + "\n").utf8, to: path, mode: 0o600)
    }

    package init(reading path: FilePath) throws {
        let document = try FileSystem.read(path, limit: ResolvedNetworks.sizeLimit)
        do {
            try self.init(JSONField(JSONValue(parsing: document)))
        } catch let error as RuntimeError {
            throw RuntimeError(error.code, "the pod's networks in \"\(path)\" cannot be read", cause: error)
        } catch {
            throw RuntimeError(.invalidArgument, "the pod's networks in \"\(path)\" cannot be read: \(error)")
        }
    }

    private init(_ root: JSONField) throws {
        guard try root["format"].integer(ResolvedNetworks.format...ResolvedNetworks.format) != nil else {
            throw root["format"].failure("is required but missing")
        }
        var networks: [SelectedNetwork] = []
        for field in try root["networks"].elements(limit: 2048) {
            guard let form = NetworkConfiguration.Form(rawValue: try field["form"].requiredString()) else {
                throw field["form"].failure("is neither conf nor conflist")
            }
            guard let text = field["configuration"].value?.string else {
                throw field["configuration"].failure("is required but missing")
            }
            let configuration = try NetworkConfiguration(
                parsing: Array(text.utf8), form, file: field["file"].string().map { FilePath($0) })
            networks.append(SelectedNetwork(configuration, arguments: try field["args"].string() ?? ""))
        }
        var paths: [String] = []
        for field in try root["pluginPaths"].elements(limit: 64) { paths.append(try field.requiredString()) }
        self.init(usesHostNetwork: try root["host"].flag(), networks: networks, pluginPaths: paths)
    }
}
