// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform

/// What a network's configuration says to one plugin.
package struct PluginConfiguration: Sendable, Equatable {
    /// The plugin's file name.
    package let type: String
    /// What the plugin wants to be told at run time, such as `portMappings`.
    package let capabilities: Set<String>
    /// The plugin that manages addresses for it.
    package let ipamType: String?
    /// Where that plugin keeps leases, if not in its standard place.
    package let leaseDirectory: String?
    /// Whether the plugin rewrites the pod's address on packets that leave the host.
    package let masquerades: Bool
    /// The interface of the host that the pod's is made on, for plugins that know one.
    package let parent: String?
    /// How such interfaces talk to each other.
    package let mode: String?
    package let mtu: Int?
    /// All that is configured.
    package let object: JSONObject

    init(_ field: JSONField) throws(FormatError) {
        guard let object = try field.object() else { throw field.failure("is required but missing") }
        self.object = object
        type = try PluginConfiguration.programName(field["type"])
        masquerades = try field["ipMasq"].flag()
        let ipam = field["ipam"]
        // Of flannel it is a part of what the delegate gets, and need not name a plugin.
        let hasPlugin = try ipam.object()?.members.isEmpty == false && (type != "flannel" || ipam["type"].value != nil)
        ipamType = hasPlugin ? try PluginConfiguration.programName(ipam["type"]) : nil
        leaseDirectory = try ipam["dataDir"].string()
        parent = try field["master"].string()
        mode = try field["mode"].string()
        mtu = try field["mtu"].integer(0...(1 << 20))
        var capabilities: Set<String> = []
        for member in try field["capabilities"].object()?.members ?? [] where member.value == .bool(true) {
            capabilities.insert(member.key)
        }
        self.capabilities = capabilities
    }

    /// Whether this plugin makes port mappings itself.
    package var mapsPorts: Bool { capabilities.contains("portMappings") }

    /// The families of the addresses that host-local or static give, as far as their configuration tells; nil when it does
    /// not.
    var addressFamilies: Set<IPAddress.Family>? {
        guard let ipam = JSONValue.object(object)["ipam"] else { return nil }
        let ranges = (ipam["ranges"]?.array ?? []).flatMap { $0.array ?? [] }
        let subnets = ([ipam] + ranges).compactMap { $0["subnet"]?.string }
        let addresses = (ipam["addresses"]?.array ?? []).compactMap { $0["address"]?.string }
        let families = Set((subnets + addresses).compactMap { IPPrefix($0)?.address.family })
        return families.isEmpty ? nil : families
    }

    /// A plugin is named, not located.
    private static func programName(_ field: JSONField) throws(FormatError) -> String {
        let name = try field.requiredString(limit: 255)
        guard !name.contains("/"), name != ".", name != ".." else {
            throw field.failure("\(ScalarError.quoted(name)) is not the name of a plugin")
        }
        return name
    }
}
