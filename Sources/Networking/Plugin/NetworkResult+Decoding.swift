// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform

extension NetworkResult {
    private static let interfaceLimit = 256
    private static let addressLimit = 256
    private static let routeLimit = 4096
    private static let nameLimit = 64

    /// Reads a result.
    ///
    /// - Parameter version: that of the network's configuration; it counts where the result names none.
    package init(_ document: JSONValue, version: CNIVersion) throws(FormatError) {
        let root = JSONField(document)
        guard try root.object() != nil else { throw root.failure("expected an object, found null") }
        self.document = document
        let version = try CNIVersion.read(root["cniVersion"]) ?? version
        dns = try NetworkResult.dns(root["dns"])
        guard version.listsInterfaces else {
            interfaces = []
            var addresses: [Address] = []
            var routes: [Route] = []
            for (key, isIPv4) in [("ip4", true), ("ip6", false)] {
                let field = root[key]
                guard try field.object() != nil else { continue }
                let address = try NetworkResult.prefix(field["ip"])
                guard address.address.isIPv4 == isIPv4 else {
                    throw field["ip"].failure("\(address) is of the other family")
                }
                addresses.append(
                    Address(interface: nil, address: address, gateway: try NetworkResult.address(field["gateway"])))
                routes += try NetworkResult.routes(field["routes"])
            }
            self.addresses = addresses
            self.routes = routes
            return
        }
        interfaces = try NetworkResult.interfaces(root["interfaces"])
        addresses = try NetworkResult.addresses(root["ips"], interfaces: interfaces.count)
        routes = try NetworkResult.routes(root["routes"])
    }

    private static func interfaces(_ field: JSONField) throws(FormatError) -> [Interface] {
        var result: [Interface] = []
        for element in try field.elements(limit: interfaceLimit) {
            // IFNAMSIZ of the kernel, less the terminator.
            let name = try element["name"].requiredString(limit: 15)
            guard !name.contains("/"), !name.contains(" "), name != ".", name != ".." else {
                throw element["name"].failure("\(ScalarError.quoted(name)) is not the name of an interface")
            }
            result.append(
                Interface(
                    name: name, mac: try hardwareAddress(element["mac"]), sandbox: try element["sandbox"].string()))
        }
        return result
    }

    private static func addresses(_ field: JSONField, interfaces: Int) throws(FormatError) -> [Address] {
        var result: [Address] = []
        for element in try field.elements(limit: addressLimit) {
            let interface = try element["interface"].integer(-1...Int(Int32.max)).flatMap { $0 < 0 ? nil : $0 }
            if let interface, interface >= interfaces {
                throw element["interface"].failure("there is no interface \(interface) in the result")
            }
            let prefix = try NetworkResult.prefix(element["address"])
            let gateway = try NetworkResult.address(element["gateway"])
            guard gateway == nil || gateway?.isIPv4 == prefix.address.isIPv4 else {
                throw element["gateway"].failure("is not of the address's family")
            }
            result.append(Address(interface: interface, address: prefix, gateway: gateway))
        }
        return result
    }

    private static func routes(_ field: JSONField) throws(FormatError) -> [Route] {
        var result: [Route] = []
        for element in try field.elements(limit: routeLimit) {
            let destination = try NetworkResult.prefix(element["dst"])
            let gateway = try NetworkResult.address(element["gw"])
            guard gateway == nil || gateway?.isIPv4 == destination.address.isIPv4 else {
                throw element["gw"].failure("is not of the destination's family")
            }
            result.append(Route(destination: destination.network, gateway: gateway))
        }
        return result
    }

    private static func dns(_ field: JSONField) throws(FormatError) -> DNS {
        var result = DNS()
        for element in try field["nameservers"].elements(limit: nameLimit) {
            guard let address = try NetworkResult.address(element) else { throw element.failure("must not be empty") }
            result.nameservers.append(address)
        }
        result.domain = try word(field["domain"])
        for element in try field["search"].elements(limit: nameLimit) {
            if let domain = try word(element) { result.search.append(domain) }
        }
        for element in try field["options"].elements(limit: nameLimit) {
            if let option = try word(element) { result.options.append(option) }
        }
        return result
    }

    // MARK: - Scalars

    private static func prefix(_ field: JSONField) throws(FormatError) -> IPPrefix {
        let text = try field.requiredString(limit: 64)
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }), let prefix = IPPrefix(text) else {
            throw field.failure("\(ScalarError.quoted(text)) is not an address with a prefix length")
        }
        return prefix
    }

    private static func address(_ field: JSONField) throws(FormatError) -> IPAddress? {
        guard let text = try field.string(limit: 64) else { return nil }
        guard let address = IPAddress(text) else {
            throw field.failure("\(ScalarError.quoted(text)) is not an IP address")
        }
        return address
    }

    /// A word of resolv.conf(5), which separates by blanks.
    private static func word(_ field: JSONField) throws(FormatError) -> String? {
        guard let text = try field.string(limit: 255) else { return nil }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw field.failure("\(ScalarError.quoted(text)) is not a word")
        }
        return text
    }

    private static func hardwareAddress(_ field: JSONField) throws(FormatError) -> String? {
        guard let text = try field.string(limit: 64)?.lowercased() else { return nil }
        let octets = text.split(separator: ":", omittingEmptySubsequences: false)
        let isAddress =
            octets.count >= 6
            && octets.allSatisfy { octet in
                octet.utf8.count == 2 && octet.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
            }
        guard isAddress else { throw field.failure("\(ScalarError.quoted(text)) is not a hardware address") }
        return text
    }
}
