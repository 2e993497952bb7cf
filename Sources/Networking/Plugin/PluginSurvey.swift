// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// Which plugins the networks of this host take, and where they are.
package struct PluginSurvey: Sendable, Equatable {
    package struct Network: Sendable, Equatable {
        package let name: String
        /// Types of plugins that are not installed.
        package let missing: [String]

        package init(name: String, missing: [String] = []) {
            self.name = name
            self.missing = missing
        }
    }

    /// All that a pod could join, those that need no file included.
    package let networks: [Network]
    /// Where plugins were found.
    package let places: [FilePath]
    /// Where they are looked for.
    package let searched: [FilePath]

    package init(networks: [Network], places: [FilePath], searched: [FilePath]) {
        self.networks = networks
        self.places = places
        self.searched = searched
    }

    /// Looks for the plugins of networks. What a stage1 image might bring along is not looked at.
    ///
    /// - Parameters:
    ///   - directories: of files of networks; each overrides those before it.
    ///   - localConfiguration: the host's configuration, whose `net.d` may hold plugins, too.
    /// - Throws: when a file of networks cannot be understood.
    package init(directories: [FilePath], localConfiguration: FilePath) throws {
        let search = PluginSearch(
            paths: ResolvedNetworks.pluginPaths(localConfiguration).filter { $0.hasPrefix("/") }, directory: "/")
        var places: [FilePath] = []
        networks = try NetworkCatalog(reading: directories).networks.map { network in
            var missing: [String] = []
            for type in PluginSurvey.types(of: network) {
                if let path = search.find(type) {
                    let place = path.removingLastComponent()
                    if !places.contains(place) { places.append(place) }
                } else if !missing.contains(type) {
                    missing.append(type)
                }
            }
            return Network(name: network.name, missing: missing)
        }
        self.places = places
        searched = search.paths.map { FilePath($0) }
    }

    private static func types(of network: NetworkConfiguration) -> [String] {
        network.plugins.flatMap { plugin in
            // Flannel's work is done here, and given on to this one.
            [plugin.type == "flannel" ? "bridge" : plugin.type] + (plugin.ipamType.map { [$0] } ?? [])
        }
    }
}
