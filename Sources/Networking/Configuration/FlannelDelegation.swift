// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Turns networks of the type `flannel` into those that the plugin of this name would delegate to, where it is not
/// installed.
///
/// It is done before there is a pod: what a pod has joined is kept with it, whatever flannel does later.
struct FlannelDelegation {
    private static let type = "flannel"
    private let isPluginInstalled: Bool

    /// - Parameter pluginPaths: where plugins are looked for; those that are not absolute are the pod's.
    init(pluginPaths: [String]) {
        let search = PluginSearch(paths: pluginPaths.filter { $0.hasPrefix("/") }, directory: "/")
        isPluginInstalled = (try? search.find(FlannelDelegation.type, network: "")) != nil
    }

    /// The network to join in place of one of flannel; any other as it is.
    ///
    /// - Throws: `RuntimeError` naming the network and its file, when either's configuration is wrong.
    func resolve(_ network: SelectedNetwork) throws -> SelectedNetwork {
        let configuration = network.configuration
        guard !isPluginInstalled, configuration.plugins.contains(where: { $0.type == FlannelDelegation.type }) else {
            return network
        }
        let place = "network \"\(network.name)\" of flannel"
        let source = configuration.file.map { "\(place), configured in \"\($0)\", cannot be used" } ?? place
        do {
            let document = try document(of: configuration).encoded(pretty: true) + "\n"
            let resolved = try NetworkConfiguration(
                parsing: Array(document.utf8), configuration.form, file: configuration.file)
            return SelectedNetwork(resolved, arguments: network.arguments)
        } catch let error as RuntimeError {
            throw RuntimeError(error.code, source, cause: error)
        } catch {
            throw RuntimeError(.invalidArgument, "\(source): \(error)")
        }
    }

    /// The network's document with the delegate in the place of flannel.
    private func document(of configuration: NetworkConfiguration) throws -> JSONValue {
        let root = try JSONValue(parsing: configuration.document)
        let field = JSONField(root)
        guard configuration.form == .list, var result = root.object else {
            var result = JSONObject()
            for key in ["cniVersion", "name"] { root.value(forKey: key).map { result.set(key, $0) } }
            for member in try delegate(of: field).members { result.set(member.key, member.value) }
            return .object(result)
        }
        let plugins = try field["plugins"].elements(limit: NetworkConfiguration.pluginLimit).map { plugin in
            let isOfFlannel = try plugin["type"].string() == FlannelDelegation.type
            return isOfFlannel ? .object(try delegate(of: plugin)) : plugin.value ?? .null
        }
        result.set("plugins", .array(plugins))
        return .object(result)
    }

    /// What the delegate is configured with: what the network says of it, completed as flannel documents it.
    private func delegate(of flannel: JSONField) throws -> JSONObject {
        let file = try flannel["subnetFile"].string().map { FilePath($0) } ?? FlannelSubnet.standardFile
        guard file.isAbsolute else { throw flannel["subnetFile"].failure("\"\(file)\" is not an absolute path") }
        let field = flannel["delegate"]
        var delegate = try field.object() ?? JSONObject()
        for key in ["name", "ipam", "cniVersion"] where delegate.value(forKey: key) != nil {
            throw field[key].failure("is the network's own: it must not stand in the delegate")
        }
        func complete(_ key: String, _ value: JSONValue) {
            if delegate.value(forKey: key).map(\.isNull) ?? true { delegate.set(key, value) }
        }
        complete("type", "bridge")
        guard delegate.value(forKey: "type")?.string != FlannelDelegation.type else {
            throw field["type"].failure("flannel cannot delegate to itself")
        }
        let subnet = try FlannelSubnet(reading: file)
        complete("mtu", JSONValue(subnet.mtu))
        // One of the two does it.
        complete("ipMasq", .bool(!subnet.masquerades))
        if delegate.value(forKey: "type")?.string == "bridge" { complete("isGateway", true) }
        if let capabilities = flannel["capabilities"].value { complete("capabilities", capabilities) }
        delegate.set("ipam", .object(try addresses(flannel["ipam"], subnet)))
        // Here its mistakes still have their places.
        _ = try PluginConfiguration(JSONField(.object(delegate), place: "delegate"))
        return delegate
    }

    /// The management of addresses: what the network says of it, the subnet, and the way to flannel's network.
    private func addresses(_ field: JSONField, _ subnet: FlannelSubnet) throws -> JSONObject {
        var ipam = try field.object() ?? JSONObject()
        if try field["type"].string() == nil { ipam.set("type", "host-local") }
        if subnet.subnets.count == 1 {
            ipam.set("subnet", .string(subnet.subnets[0].description))
        } else {
            for key in ipam.members.map(\.key) where key.lowercased() == "subnet" { ipam[exact: key] = nil }
            ipam.set("ranges", .array(subnet.subnets.map { [["subnet": .string($0.description)]] }))
        }
        let known = try field["routes"].elements(limit: 4096)
        let routes = subnet.networks.map(\.description).filter { network in
            !known.contains { $0["dst"].value?.string == network }
        }
        ipam.set("routes", .array(known.compactMap(\.value) + routes.map { ["dst": .string($0)] }))
        return ipam
    }
}
