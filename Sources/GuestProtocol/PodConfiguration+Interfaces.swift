// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

extension PodConfiguration {
    /// A network interface of the machine, found by its hardware address, and what it is given.
    package struct Interface: Equatable, Sendable {
        /// What it is to be called.
        package var name: String
        /// Six bytes.
        package var hardwareAddress: [UInt8]
        package var mtu: UInt32
        package var addresses: [Address]
        /// In the order in which they are added; no route comes with an address.
        package var routes: [Route]

        package static let most = 16
        package static let mostAddresses = 128
        package static let mostRoutes = 1024
        package static let longestName = 15

        package init(
            name: String, hardwareAddress: [UInt8], mtu: UInt32, addresses: [Address] = [], routes: [Route] = []
        ) {
            self.name = name
            self.hardwareAddress = hardwareAddress
            self.mtu = mtu
            self.addresses = addresses
            self.routes = routes
        }

        /// An address of IPv4, of four bytes, or of IPv6, of sixteen.
        package struct Address: Equatable, Sendable {
            package var address: [UInt8]
            package var prefixLength: UInt8
            /// Empty for none.
            package var broadcast: [UInt8]

            package init(address: [UInt8], prefixLength: UInt8, broadcast: [UInt8] = []) {
                self.address = address
                self.prefixLength = prefixLength
                self.broadcast = broadcast
            }
        }

        /// A route through the interface; its addresses are all of one kind.
        package struct Route: Equatable, Sendable {
            package var destination: [UInt8]
            package var prefixLength: UInt8
            /// Empty when the destination is on the link.
            package var gateway: [UInt8]
            /// What packets are sent from; empty for the kernel's choice.
            package var source: [UInt8]
            /// 0 for the kernel's choice.
            package var metric: UInt32
            /// 0 for that of the interface.
            package var mtu: UInt32
            /// Whether the gateway is on the link although no other route says so.
            package var isOnLink: Bool

            package init(
                destination: [UInt8], prefixLength: UInt8, gateway: [UInt8] = [], source: [UInt8] = [],
                metric: UInt32 = 0, mtu: UInt32 = 0, isOnLink: Bool = false
            ) {
                self.destination = destination
                self.prefixLength = prefixLength
                self.gateway = gateway
                self.source = source
                self.metric = metric
                self.mtu = mtu
                self.isOnLink = isOnLink
            }
        }
    }
}

// MARK: - Coding

extension PodConfiguration.Interface {
    func write(to writer: inout FieldWriter) {
        writer.write(name)
        writer.write(hardwareAddress)
        writer.write(mtu)
        writer.write(list: addresses) { writer, address in
            writer.write(address.address)
            writer.write(address.prefixLength)
            writer.write(address.broadcast)
        }
        writer.write(list: routes) { writer, route in
            writer.write(route.destination)
            writer.write(route.prefixLength)
            writer.write(route.gateway)
            writer.write(route.source)
            writer.write(route.metric)
            writer.write(route.mtu)
            writer.write(route.isOnLink)
        }
    }

    init(from reader: inout FieldReader) throws(ProtocolError) {
        name = try reader.readString()
        guard (1...Self.longestName).contains(name.utf8.count), name != ".", name != "..",
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") })
        else { throw .malformed("a network interface without a proper name") }
        hardwareAddress = try reader.readBytes()
        guard hardwareAddress.count == 6 else { throw .malformed("a hardware address has not six bytes") }
        mtu = try reader.readUInt32()
        addresses = try reader.readList(limit: Self.mostAddresses) { reader throws(ProtocolError) in
            let address = Address(
                address: try reader.readBytes(), prefixLength: try reader.readUInt8(),
                broadcast: try reader.readBytes())
            try Self.check(address.address, address.prefixLength, [address.broadcast])
            return address
        }
        routes = try reader.readList(limit: Self.mostRoutes) { reader throws(ProtocolError) in
            let route = Route(
                destination: try reader.readBytes(), prefixLength: try reader.readUInt8(),
                gateway: try reader.readBytes(), source: try reader.readBytes(), metric: try reader.readUInt32(),
                mtu: try reader.readUInt32(), isOnLink: try reader.readBool())
            try Self.check(route.destination, route.prefixLength, [route.gateway, route.source])
            return route
        }
    }

    /// - Parameter others: addresses of the same kind, or empty.
    private static func check(
        _ address: [UInt8], _ prefixLength: UInt8, _ others: [[UInt8]]
    ) throws(ProtocolError) {
        guard address.count == 4 || address.count == 16, Int(prefixLength) <= address.count * 8,
            others.allSatisfy({ $0.isEmpty || $0.count == address.count })
        else { throw .malformed("an address of the wrong length") }
    }
}
