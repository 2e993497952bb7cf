// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// Attributes of `linux/if_link.h`.
private enum LinkAttribute {
    /// Corresponds to `IFLA_ADDRESS`.
    static let address: UInt16 = 1
    /// Corresponds to `IFLA_IFNAME`.
    static let name: UInt16 = 3
    /// Corresponds to `IFLA_MTU`.
    static let mtu: UInt16 = 4
    /// Corresponds to `IFLA_LINK`.
    static let lower: UInt16 = 5
    /// Corresponds to `IFLA_LINKINFO`.
    static let information: UInt16 = 18
    /// Corresponds to `IFLA_NET_NS_FD`.
    static let namespace: UInt16 = 28
    /// Corresponds to `IFLA_INFO_KIND`.
    static let kind: UInt16 = 1
    /// Corresponds to `IFLA_INFO_DATA`.
    static let data: UInt16 = 2
    /// Corresponds to `IFLA_MACVLAN_MODE`.
    static let macvlanMode: UInt16 = 1
}

/// Flags of `struct ifinfomsg` (netdevice(7)).
private enum LinkFlag {
    /// Corresponds to `IFF_UP`.
    static let isUp: UInt32 = 1
    /// Corresponds to `IFF_ALLMULTI`.
    static let takesAllGroups: UInt32 = 1 << 9
    /// Corresponds to `IFF_LOWER_UP`.
    static let hasCarrier: UInt32 = 1 << 16
}

extension RouteSocket {
    // RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK
    private static let newLink: UInt16 = 16
    private static let deleteLink: UInt16 = 17
    private static let getLink: UInt16 = 18
    private static let setLink: UInt16 = 19
    /// Length of `struct ifinfomsg`.
    private static let linkHeader = 16

    /// All interfaces.
    package func links() throws -> [NetworkLink] {
        try dump("reading interfaces", .link(Self.getLink), answers: Self.newLink).compactMap(Self.link)
    }

    /// - Throws: code `notFound` when there is none of this name.
    package func link(named name: String) throws -> NetworkLink {
        guard let link = try links().first(where: { $0.name == name }) else {
            throw RuntimeError(.notFound, "there is no network interface \(name)")
        }
        return link
    }

    /// Changes an interface. Name, address and MTU are set before it is brought up.
    package func change(_ link: NetworkLink, _ change: LinkChange) throws {
        let flags = [(change.isUp, LinkFlag.isUp), (change.takesAllGroups, LinkFlag.takesAllGroups)]
        var request = NetlinkRequest.link(
            Self.setLink, index: link.index, flags: flags.reduce(0) { $1.0 == true ? $0 | $1.1 : $0 },
            changed: flags.reduce(0) { $1.0 == nil ? $0 : $0 | $1.1 })
        if let name = change.name { request.add(LinkAttribute.name, name) }
        if let address = change.hardwareAddress { request.add(LinkAttribute.address, address.bytes) }
        if let mtu = change.mtu { request.add(LinkAttribute.mtu, mtu) }
        try self.change("changing the network interface \(link.name)", request)
    }

    /// Makes a macvtap: an interface whose packets go to and come from a character device.
    ///
    /// - Parameters:
    ///   - master: of this socket's namespace.
    ///   - namespace: where the interface is to be; nil for this socket's.
    package func addMacvtap(
        _ name: String, on master: NetworkLink, mode: MacvlanMode, hardwareAddress: HardwareAddress? = nil,
        mtu: UInt32? = nil, in namespace: FileDescriptor? = nil
    ) throws {
        // NLM_F_CREATE, NLM_F_EXCL
        var request = NetlinkRequest.link(Self.newLink, messageFlags: 0x400 | 0x200)
        request.add(LinkAttribute.name, name)
        request.add(LinkAttribute.lower, master.index)
        if let hardwareAddress { request.add(LinkAttribute.address, hardwareAddress.bytes) }
        if let mtu { request.add(LinkAttribute.mtu, mtu) }
        if let namespace { request.add(LinkAttribute.namespace, namespace.rawValue) }
        request.add(LinkAttribute.information) { information in
            information.add(LinkAttribute.kind, "macvtap")
            information.add(LinkAttribute.data) { $0.add(LinkAttribute.macvlanMode, mode.value) }
        }
        try change("making the macvtap \(name) on \(master.name)", request)
    }

    /// Removes an interface; one that is gone already is fine.
    package func remove(_ link: NetworkLink) throws {
        do {
            try change(
                "removing the network interface \(link.name)", .link(Self.deleteLink, index: link.index))
        } catch let error as RuntimeError where error.code == .notFound {
            return
        }
    }

    private static func link(_ message: ArraySlice<UInt8>) -> NetworkLink? {
        let attributes = NetlinkAttributes(message.dropFirst(linkHeader))
        guard let index = NetlinkBytes.read(Int32.self, message, at: 4),
            let flags = NetlinkBytes.read(UInt32.self, message, at: 8), let name = attributes.text(LinkAttribute.name)
        else { return nil }
        return NetworkLink(
            index: index, name: name,
            hardwareAddress: attributes[LinkAttribute.address].flatMap { HardwareAddress(bytes: $0) },
            mtu: attributes.uint32(LinkAttribute.mtu) ?? 0,
            kind: attributes.nested(LinkAttribute.information)?.text(LinkAttribute.kind),
            lower: attributes.uint32(LinkAttribute.lower).map { Int32(bitPattern: $0) },
            isUp: flags & LinkFlag.isUp != 0, hasCarrier: flags & LinkFlag.hasCarrier != 0)
    }
}

extension NetlinkRequest {
    /// A message that begins with `struct ifinfomsg`.
    fileprivate static func link(
        _ type: UInt16, messageFlags: UInt16 = 0, index: Int32 = 0, flags: UInt32 = 0, changed: UInt32 = 0
    ) -> NetlinkRequest {
        var fixed = NetlinkBytes()
        // Family and type of hardware: any.
        fixed.append(UInt32(0))
        fixed.append(index)
        fixed.append(flags)
        fixed.append(changed)
        return NetlinkRequest(type, flags: messageFlags, fixed: fixed)
    }
}
