// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Networking
import Testing

struct GuestInterfaceTests {
    private static func address(_ text: String) -> IPAddress { IPAddress(text) ?? .unspecified(.v4) }

    private static let sample = GuestInterface(
        name: "eth0", hardwareAddress: HardwareAddress(bytes: [2, 0, 0, 0, 0, 1]) ?? .random(), mtu: 1400,
        addresses: [
            InterfaceAddress(address("10.9.0.2"), prefixLength: 24, broadcast: address("10.9.0.255")),
            InterfaceAddress(address("fd09::2"), prefixLength: 64),
        ],
        routes: [
            NetworkRoute(to: .all(.v6), source: address("fd09::2")),
            NetworkRoute(to: .all(.v4), gateway: address("10.9.0.1"), metric: 5, mtu: 1300, isOnLink: true),
        ])

    @Test func `a record is read as it was written`() throws {
        let text = Self.sample.json.encoded()
        #expect(try GuestInterface(JSONValue(parsing: text.utf8)) == Self.sample)
    }

    @Test(arguments: [
        (#""eth0""#, #""../eth0""#, "name"), ("02:00:00:00:00:01", "02:00", "mac"), ("1400", "-1", "mtu"),
        ("1400", "4294967296", "mtu"), ("10.9.0.2/24", "10.9.0.2/33", "addresses.address"),
        ("10.9.0.255", "fd09::ff", "broadcast"), (#""10.9.0.1""#, #""fd09::1""#, "gw"), ("::/0", "::", "routes.dst"),
        (#""routes""#, #""ways""#, "routes"), (#""addresses""#, #""places""#, "addresses"),
    ])
    func `a record that is damaged is refused by field`(old: String, new: String, field: String) throws {
        let text = Self.sample.json.encoded()
        let damaged = text.replacing(old, with: new)
        try #require(damaged != text)
        let error = #expect(throws: RuntimeError.self) { try GuestInterface(JSONValue(parsing: damaged.utf8)) }
        #expect(error?.message == "the record of a network interface has no proper \"\(field)\"")
    }
}
