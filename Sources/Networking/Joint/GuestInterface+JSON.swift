// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform

/// The form in which a joined interface is written down, so that a later process can undo what a crash has left.
extension GuestInterface {
    package var json: JSONValue {
        var object = JSONObject()
        object.set("name", .string(name))
        object.set("mac", .string("\(hardwareAddress)"))
        object.set("mtu", JSONValue(mtu))
        object.set(
            "addresses",
            .array(
                addresses.map { address in
                    var object = JSONObject()
                    object.set("address", .string("\(address)"))
                    if let broadcast = address.broadcast { object.set("broadcast", .string("\(broadcast)")) }
                    return .object(object)
                }))
        object.set(
            "routes",
            .array(
                routes.map { route in
                    var object = JSONObject()
                    object.set("dst", .string("\(route.destination)"))
                    if let gateway = route.gateway { object.set("gw", .string("\(gateway)")) }
                    if let source = route.source { object.set("src", .string("\(source)")) }
                    if route.metric != 0 { object.set("metric", JSONValue(route.metric)) }
                    if route.mtu != 0 { object.set("mtu", JSONValue(route.mtu)) }
                    if route.isOnLink { object.set("onlink", true) }
                    return .object(object)
                }))
        return .object(object)
    }

    /// Reads what `json` is.
    package init(_ json: JSONValue) throws {
        let name = try Self.text(json, "name")
        guard NetworkLink.isName(name) else { throw Self.failure("name") }
        guard let hardwareAddress = HardwareAddress(try Self.text(json, "mac")) else { throw Self.failure("mac") }
        guard let mtu = try Self.number(json, "mtu") else { throw Self.failure("mtu") }
        guard let addresses = json["addresses"]?.array, let routes = json["routes"]?.array else {
            throw Self.failure(json["routes"]?.array == nil ? "routes" : "addresses")
        }
        self.init(
            name: name, hardwareAddress: hardwareAddress, mtu: mtu, addresses: try addresses.map(Self.address),
            routes: try routes.map(Self.route))
    }

    private static func address(_ json: JSONValue) throws -> InterfaceAddress {
        guard let prefix = IPPrefix(try text(json, "address")) else { throw failure("addresses.address") }
        return InterfaceAddress(
            prefix.address, prefixLength: prefix.length,
            broadcast: try address(json, "broadcast", prefix.address.family))
    }

    private static func route(_ json: JSONValue) throws -> NetworkRoute {
        guard let destination = IPPrefix(try text(json, "dst")) else { throw failure("routes.dst") }
        let family = destination.address.family
        return NetworkRoute(
            to: destination, gateway: try address(json, "gw", family), source: try address(json, "src", family),
            metric: try number(json, "metric") ?? 0, mtu: try number(json, "mtu") ?? 0,
            isOnLink: json["onlink"]?.bool ?? false)
    }

    private static func address(
        _ json: JSONValue, _ key: String, _ family: IPAddress.Family
    ) throws -> IPAddress? {
        guard json[key] != nil else { return nil }
        guard let address = IPAddress(try text(json, key)), address.family == family else { throw failure(key) }
        return address
    }

    private static func text(_ json: JSONValue, _ key: String) throws -> String {
        guard let text = json[key]?.string else { throw failure(key) }
        return text
    }

    private static func number(_ json: JSONValue, _ key: String) throws -> UInt32? {
        guard let value = json[key] else { return nil }
        guard let number = value.int.flatMap({ UInt32(exactly: $0) }) else { throw failure(key) }
        return number
    }

    private static func failure(_ field: String) -> RuntimeError {
        RuntimeError(.invalidArgument, "the record of a network interface has no proper \"\(field)\"")
    }
}
