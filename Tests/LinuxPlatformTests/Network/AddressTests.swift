// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import Testing

struct AddressTests {
    @Test(arguments: [
        ("10.1.2.3", "10.1.2.3"), ("fd00::1", "fd00::1"), ("FD00:0:0:0:0:0:0:1", "fd00::1"), ("::", "::"),
        ("0.0.0.0", "0.0.0.0"),
    ])
    func `addresses are read and written as usual`(text: String, written: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == written)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(arguments: ["", "10.1.2", "10.1.2.256", "fe80::1%eth0", "1::2::3", "10.0.0.1/8", "localhost"])
    func `others are refused`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.255/25", "10.1.2.128/25"), ("10.1.2.3/32", "10.1.2.3/32"),
        ("10.1.2.3/0", "0.0.0.0/0"), ("fd00:1:2:3:4::5/64", "fd00:1:2:3::/64"), ("ff::1/1", "::/1"),
    ])
    func `a prefix keeps the first bits`(text: String, network: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.network.description == network)
        #expect(prefix.contains(prefix.address))
        #expect(!prefix.contains(.unspecified(prefix.address.family == .v4 ? .v6 : .v4)))
    }

    @Test(arguments: ["10.0.0.0", "10.0.0.0/33", "fd00::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "/8"])
    func `no prefix has more bits than its address`(text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test func `hardware addresses are six bytes`() throws {
        let address = try #require(HardwareAddress("02:0a:FF:00:00:01"))
        #expect(address.bytes == [2, 10, 255, 0, 0, 1])
        #expect(address.description == "02:0a:ff:00:00:01")
        for text in [
            "", "02:0a:ff:00:00", "02:0a:ff:00:00:01:02", "2:a:ff:0:0:1", "02-0a-ff-00-00-01", "+2:0a:ff:00:00:01",
        ] {
            #expect(HardwareAddress(text) == nil, "\(text)")
        }
    }

    @Test func `a random hardware address is nobody's, and an interface may have it`() {
        let address = HardwareAddress.random()
        #expect(address.isStation)
        #expect(address.bytes[0] & 3 == 2)
        #expect(HardwareAddress.random() != address)
    }

    @Test func `the link-local address follows from the hardware address`() throws {
        let address = IPAddress.linkLocal(try #require(HardwareAddress("02:11:22:33:44:55")))
        #expect(address.description == "fe80::11:22ff:fe33:4455")
        #expect(address.isLinkLocal)
    }

    @Test(arguments: [
        ("eth0", true), ("", false), ("..", false), ("a/b", false), ("a b", false), ("0123456789abcdef", false),
    ])
    func `names of interfaces are those that the kernel takes`(text: String, isName: Bool) {
        #expect(NetworkLink.isName(text) == isName)
    }
}
