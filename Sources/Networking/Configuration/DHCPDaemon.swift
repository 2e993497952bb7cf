// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The daemon that the plugin `dhcp` leaves leases to: it asks for them, renews them, and gives them back.
enum DHCPDaemon {
    /// The name of the plugin.
    static let plugin = "dhcp"
    private static let standardSocket: FilePath = "/run/cni/dhcp.sock"

    /// What to do when it does not run.
    static let remedy = "start it with `systemctl start rkt-cni-dhcp.socket`, or run `/usr/lib/cni/dhcp daemon`"

    /// Refuses networks that need the daemon where it does not run, before there is anything to be undone.
    ///
    /// A socket that nobody listens on any more shows later, when the plugin fails. So does a macvlan's: for a machine,
    /// dhcp is refused there in any case.
    static func check(_ networks: [SelectedNetwork]) throws {
        for network in networks {
            for plugin in network.configuration.plugins
            where plugin.ipamType == DHCPDaemon.plugin && plugin.type != "macvlan" {
                let socket = try socket(of: plugin, network.name)
                let status = try? FileSystem.status(socket, followSymbolicLink: true)
                guard status?.type == .socket else {
                    throw RuntimeError(
                        .notFound,
                        "network \"\(network.name)\" has addresses by dhcp, whose daemon does not run: there is no "
                            + "socket \"\(socket)\"; \(remedy)")
                }
            }
        }
    }

    private static func socket(of plugin: PluginConfiguration, _ network: String) throws -> FilePath {
        let field = JSONField(.object(plugin.object))["ipam"]["daemonSocketPath"]
        do throws(FormatError) {
            return try field.string().map { FilePath($0) } ?? standardSocket
        } catch {
            throw RuntimeError(.invalidArgument, "network \"\(network)\": \(error)")
        }
    }

    /// Whether a plugin has failed as it does not reach the daemon.
    static func isMissed(in failure: PluginFailure) -> Bool { failure.text.contains("error dialing DHCP daemon") }
}
