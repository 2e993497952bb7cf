// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Attributes of `linux/if_addr.h`.
private enum AddressAttribute {
    /// Corresponds to `IFA_ADDRESS`.
    static let address: UInt16 = 1
    /// Corresponds to `IFA_LOCAL`.
    static let local: UInt16 = 2
    /// Corresponds to `IFA_BROADCAST`.
    static let broadcast: UInt16 = 4
    /// Corresponds to `IFA_FLAGS`.
    static let flags: UInt16 = 8
}

/// How an address is added.
package struct AddressOptions: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// It can be used at once: nobody is asked whether it is taken. Corresponds to `IFA_F_NODAD`.
    package static let withoutDetection = AddressOptions(rawValue: 0x02)
    /// No route to its network comes with it. Corresponds to `IFA_F_NOPREFIXROUTE`.
    package static let withoutRoute = AddressOptions(rawValue: 0x200)
}

extension RouteSocket {
    // RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR
    private static let newAddress: UInt16 = 20
    private static let deleteAddress: UInt16 = 21
    private static let getAddress: UInt16 = 22
    /// Length of `struct ifaddrmsg`.
    private static let addressHeader = 8
    /// Corresponds to `IFA_F_PERMANENT`.
    private static let permanent: UInt32 = 0x80

    /// The addresses of an interface that somebody has given it: not those that expire, as a router's do.
    package func addresses(of link: NetworkLink) throws -> [InterfaceAddress] {
        let request = NetlinkRequest.address(Self.getAddress, family: 0, prefixLength: 0, index: 0)
        return try dump("reading addresses", request, answers: Self.newAddress).compactMap { message in
            guard NetlinkBytes.read(UInt32.self, message, at: 4) == UInt32(bitPattern: link.index) else { return nil }
            return Self.address(message)
        }
    }

    package func add(_ address: InterfaceAddress, to link: NetworkLink, _ options: AddressOptions = []) throws {
        // NLM_F_CREATE, NLM_F_EXCL
        var request = request(Self.newAddress, address, link, flags: 0x400 | 0x200)
        request.add(AddressAttribute.address, address.address.bytes)
        if let broadcast = address.broadcast { request.add(AddressAttribute.broadcast, broadcast.bytes) }
        if !options.isEmpty { request.add(AddressAttribute.flags, options.rawValue) }
        try change("adding the address \(address) to \(link.name)", request)
    }

    /// Takes an address away; the routes that need it go with it. One that is gone already is fine.
    package func remove(_ address: InterfaceAddress, from link: NetworkLink) throws {
        do {
            try change(
                "removing the address \(address) from \(link.name)", request(Self.deleteAddress, address, link))
        } catch let error as RuntimeError where error.code == .notFound {
            return
        }
    }

    private func request(
        _ type: UInt16, _ address: InterfaceAddress, _ link: NetworkLink, flags: UInt16 = 0
    ) -> NetlinkRequest {
        var request = NetlinkRequest.address(
            type, flags: flags, family: address.address.family.value,
            prefixLength: UInt8(clamping: address.prefixLength),
            index: link.index)
        request.add(AddressAttribute.local, address.address.bytes)
        return request
    }

    private static func address(_ message: ArraySlice<UInt8>) -> InterfaceAddress? {
        let attributes = NetlinkAttributes(message.dropFirst(addressHeader))
        // With a peer `address` is the peer's.
        guard let address = attributes.address(AddressAttribute.local) ?? attributes.address(AddressAttribute.address),
            let length = NetlinkBytes.read(UInt8.self, message, at: 1),
            let flags = attributes.uint32(AddressAttribute.flags)
                ?? NetlinkBytes.read(UInt8.self, message, at: 2).map(UInt32.init),
            flags & permanent != 0
        else { return nil }
        return InterfaceAddress(
            address, prefixLength: Int(length), broadcast: attributes.address(AddressAttribute.broadcast))
    }
}

extension NetlinkRequest {
    /// A message that begins with `struct ifaddrmsg`.
    fileprivate static func address(
        _ type: UInt16, flags: UInt16 = 0, family: UInt8, prefixLength: UInt8, index: Int32
    ) -> NetlinkRequest {
        var fixed = NetlinkBytes()
        fixed.append(family)
        fixed.append(prefixLength)
        // Flags are an attribute; the scope is that of the whole world.
        fixed.append(UInt16(0))
        fixed.append(index)
        return NetlinkRequest(type, flags: flags, fixed: fixed)
    }
}
