// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Attributes of `linux/rtnetlink.h`.
private enum RouteAttribute {
    /// Corresponds to `RTA_DST`.
    static let destination: UInt16 = 1
    /// Corresponds to `RTA_OIF`.
    static let interface: UInt16 = 4
    /// Corresponds to `RTA_GATEWAY`.
    static let gateway: UInt16 = 5
    /// Corresponds to `RTA_PRIORITY`.
    static let priority: UInt16 = 6
    /// Corresponds to `RTA_PREFSRC`.
    static let source: UInt16 = 7
    /// Corresponds to `RTA_METRICS`.
    static let metrics: UInt16 = 8
    /// Corresponds to `RTA_TABLE`.
    static let table: UInt16 = 15
    /// Corresponds to `RTAX_MTU`.
    static let mtu: UInt16 = 2
}

/// Fields of `struct rtmsg` (rtnetlink(7)).
private enum RouteField {
    /// Corresponds to `RT_TABLE_MAIN`.
    static let mainTable: UInt8 = 254
    /// Corresponds to `RTN_UNICAST`.
    static let unicast: UInt8 = 1
    /// Corresponds to `RTPROT_BOOT`.
    static let setUp: UInt8 = 3
    /// Corresponds to `RTPROT_RA`.
    static let routerAdvertisement: UInt8 = 9
    /// Corresponds to `RT_SCOPE_UNIVERSE`.
    static let universe: UInt8 = 0
    /// Corresponds to `RT_SCOPE_LINK`.
    static let link: UInt8 = 253
    /// Corresponds to `RT_SCOPE_NOWHERE`.
    static let nowhere: UInt8 = 255
    /// Corresponds to `RTNH_F_ONLINK`.
    static let onLink: UInt32 = 4
    /// Corresponds to `RTM_F_CLONED`.
    static let cloned: UInt32 = 0x200
    /// Length of the structure.
    static let length = 12
}

extension RouteSocket {
    // RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE
    private static let newRoute: UInt16 = 24
    private static let deleteRoute: UInt16 = 25
    private static let getRoute: UInt16 = 26

    /// The routes of the main table that lead through an interface, those without a gateway first, so that they can be
    /// added in this order.
    ///
    /// Left out are the route to link-local addresses, which each interface makes itself, routes that routers have
    /// announced, and routes through several interfaces.
    package func routes(through link: NetworkLink) throws -> [NetworkRoute] {
        let routes = try [IPAddress.Family.v4, .v6].flatMap { family in
            try dump("reading routes", .route(Self.getRoute, family: family), answers: Self.newRoute)
                .compactMap { Self.route($0, family, link.index) }
        }
        return routes.filter { $0.gateway == nil } + routes.filter { $0.gateway != nil }
    }

    package func add(_ route: NetworkRoute, through link: NetworkLink) throws {
        // NLM_F_CREATE, NLM_F_EXCL
        let request = request(Self.newRoute, route, link, flags: 0x400 | 0x200)
        try change("adding the route \(route) through \(link.name)", request)
    }

    /// Takes a route away; one that is gone already is fine.
    package func remove(_ route: NetworkRoute, through link: NetworkLink) throws {
        do {
            try change("removing the route \(route) through \(link.name)", request(Self.deleteRoute, route, link))
        } catch let error as RuntimeError where error.code == .notFound {
            return
        }
    }

    private func request(
        _ type: UInt16, _ route: NetworkRoute, _ link: NetworkLink, flags: UInt16 = 0
    ) -> NetlinkRequest {
        let isRemoval = type == Self.deleteRoute
        // A gateway is looked up among the routes of narrower scope. What is removed may have any, from any origin.
        let isDirect = route.gateway == nil && route.destination.address.family == .v4
        let scope = isRemoval ? RouteField.nowhere : isDirect ? RouteField.link : RouteField.universe
        var request = NetlinkRequest.route(
            type, messageFlags: flags, family: route.destination.address.family,
            length: UInt8(clamping: route.destination.length), origin: isRemoval ? 0 : RouteField.setUp, scope: scope,
            flags: route.isOnLink ? RouteField.onLink : 0)
        if route.destination.length > 0 { request.add(RouteAttribute.destination, route.destination.address.bytes) }
        request.add(RouteAttribute.interface, link.index)
        if let gateway = route.gateway { request.add(RouteAttribute.gateway, gateway.bytes) }
        if let source = route.source { request.add(RouteAttribute.source, source.bytes) }
        if route.metric != 0 { request.add(RouteAttribute.priority, route.metric) }
        if route.mtu != 0 { request.add(RouteAttribute.metrics) { $0.add(RouteAttribute.mtu, route.mtu) } }
        return request
    }

    private static func route(
        _ message: ArraySlice<UInt8>, _ family: IPAddress.Family, _ index: Int32
    ) -> NetworkRoute? {
        func field(_ offset: Int) -> UInt8? { NetlinkBytes.read(UInt8.self, message, at: offset) }
        let attributes = NetlinkAttributes(message.dropFirst(RouteField.length))
        guard field(0) == family.value, let length = field(1), let table = field(4), let origin = field(5),
            let flags = NetlinkBytes.read(UInt32.self, message, at: 8), flags & RouteField.cloned == 0,
            field(7) == RouteField.unicast, origin != RouteField.routerAdvertisement,
            attributes.uint32(RouteAttribute.table) ?? UInt32(table) == UInt32(RouteField.mainTable),
            attributes.uint32(RouteAttribute.interface) == UInt32(bitPattern: index),
            let destination = IPPrefix(
                attributes.address(RouteAttribute.destination) ?? .unspecified(family), length: Int(length)),
            !destination.address.isLinkLocal
        else { return nil }
        return NetworkRoute(
            to: destination, gateway: attributes.address(RouteAttribute.gateway),
            source: attributes.address(RouteAttribute.source),
            metric: attributes.uint32(RouteAttribute.priority) ?? 0,
            mtu: attributes.nested(RouteAttribute.metrics)?.uint32(RouteAttribute.mtu) ?? 0,
            isOnLink: flags & RouteField.onLink != 0)
    }
}

extension NetlinkRequest {
    /// A message that begins with `struct rtmsg`.
    fileprivate static func route(
        _ type: UInt16, messageFlags: UInt16 = 0, family: IPAddress.Family, length: UInt8 = 0, origin: UInt8 = 0,
        scope: UInt8 = 0, flags: UInt32 = 0
    ) -> NetlinkRequest {
        var fixed = NetlinkBytes()
        // Family, length of destination and source, type of service, table, origin, scope, type.
        for field in [
            family.value, length, 0, 0, RouteField.mainTable, origin, scope, RouteField.unicast,
        ] { fixed.append(field) }
        fixed.append(flags)
        return NetlinkRequest(type, flags: messageFlags, fixed: fixed)
    }
}
