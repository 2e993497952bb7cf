// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What the kernel is told and tells, compared with ip(8).
@Suite(.requiresNetworkNamespaces) struct RouteSocketTests {
    private let lab: NetworkLab
    private let socket: RouteSocket

    init() throws {
        let lab = try NetworkLab()
        try lab.connect("eth0", to: "far0", hardwareAddress: "02:00:00:00:00:01", mtu: 1400)
        self.lab = lab
        socket = try NetworkNamespace.enter(lab.pod) { try RouteSocket() }
    }

    private func ip(_ arguments: String) throws -> String { try lab.ip(lab.pod, arguments) }

    @Test func `interfaces are read`() throws {
        let link = try socket.link(named: "eth0")
        #expect(link.hardwareAddress == HardwareAddress("02:00:00:00:00:01"))
        #expect(link.mtu == 1400)
        #expect(link.kind == "veth")
        #expect(link.isUp && link.hasCarrier)
        #expect(try Set(socket.links().map(\.name)) == ["lo", "eth0"])
        let error = #expect(throws: RuntimeError.self) { try socket.link(named: "eth7") }
        #expect(error?.code == .notFound)
    }

    @Test func `interfaces are renamed, resized and brought down`() throws {
        let link = try socket.link(named: "eth0")
        try socket.change(link, LinkChange(isUp: false))
        try socket.change(
            link, LinkChange(name: "net1", hardwareAddress: HardwareAddress("02:00:00:00:00:02"), mtu: 1300))
        let changed = try socket.link(named: "net1")
        #expect(changed.mtu == 1300)
        #expect(changed.hardwareAddress == HardwareAddress("02:00:00:00:00:02"))
        #expect(!changed.isUp)
        #expect(try ip("-o link show net1").contains("mtu 1300"))
    }

    @Test func `addresses are added, read and removed`() throws {
        let link = try socket.link(named: "eth0")
        let four = InterfaceAddress(
            try #require(IPAddress("10.9.0.2")), prefixLength: 24, broadcast: IPAddress("10.9.0.255"))
        let six = InterfaceAddress(try #require(IPAddress("fd09::2")), prefixLength: 64)
        try socket.add(four, to: link)
        try socket.add(six, to: link, [.withoutDetection, .withoutRoute])
        let text = try ip("-o addr show eth0")
        #expect(text.contains("inet 10.9.0.2/24 brd 10.9.0.255"))
        #expect(text.contains("inet6 fd09::2/64 scope global nodad noprefixroute"))
        #expect(!text.contains("tentative"))
        #expect(try Set(socket.addresses(of: link)).isSuperset(of: [four, six]))
        #expect(try ip("-4 route").contains("10.9.0.0/24"))
        #expect(try !ip("-6 route").contains("fd09"))

        let error = #expect(throws: RuntimeError.self) { try socket.add(four, to: link) }
        #expect(error?.code == .exists)
        #expect(error?.message.hasPrefix("adding the address 10.9.0.2/24 to eth0: ") == true)
        for _ in 0..<2 {
            try socket.remove(four, from: link)
            try socket.remove(six, from: link)
        }
        #expect(try !ip("-o addr show eth0").contains("9"))
    }

    @Test func `routes that ip has made are read, and can be made again`() throws {
        for arguments in [
            "addr add 10.9.0.2/24 dev eth0", "addr add fd09::2/64 dev eth0 nodad",
            "route add default via 10.9.0.1", "route add 10.8.0.0/16 via 10.9.0.3 metric 7 mtu 1300",
            "route add 192.168.7.1 dev eth0", "route add 10.7.0.0/16 via 192.168.9.9 dev eth0 onlink src 10.9.0.2",
            "-6 route add default via fd09::1", "-6 route add fd08::/32 via fe80::1 dev eth0 metric 9",
            "route add 10.6.0.0/16 dev lo",
        ] { _ = try ip(arguments) }
        let link = try socket.link(named: "eth0")
        let routes = try socket.routes(through: link)
        #expect(
            Set(routes.map(\.description)) == [
                "10.9.0.0/24", "192.168.7.1/32", "fd09::/64", "0.0.0.0/0 via 10.9.0.1", "10.8.0.0/16 via 10.9.0.3",
                "10.7.0.0/16 via 192.168.9.9", "::/0 via fd09::1", "fd08::/32 via fe80::1",
            ])
        let before = try ip("-4 route show dev eth0") + ip("-6 route show dev eth0")
        for route in routes.reversed() { try socket.remove(route, through: link) }
        #expect(try socket.routes(through: link) == [])
        for route in routes { try socket.add(route, through: link) }
        #expect(try socket.routes(through: link) == routes)
        // Who made a route is told, too.
        func lines(_ text: String) -> [String] {
            text.replacing(" proto kernel", with: "").replacing(" proto boot", with: "").split(separator: "\n")
                .map { $0.trimmingSuffix() }.sorted()
        }
        #expect(try lines(ip("-4 route show dev eth0") + ip("-6 route show dev eth0")) == lines(before))
    }

    @Test func `the kernel's own words explain what cannot be`() throws {
        let link = try socket.link(named: "eth0")
        let route = NetworkRoute(to: .all(.v4), gateway: IPAddress("10.250.0.1"))
        let error = #expect(throws: RuntimeError.self) { try socket.add(route, through: link) }
        #expect(error?.message.hasPrefix("adding the route 0.0.0.0/0 via 10.250.0.1 through eth0: ") == true)
        #expect(error?.message.hasSuffix("(Nexthop has invalid gateway)") == true, "\(String(describing: error))")
        let size = #expect(throws: RuntimeError.self) { try socket.change(link, LinkChange(mtu: 1)) }
        #expect(size?.code == .invalidArgument)
        #expect(size?.message.contains("mtu less than device minimum") == true, "\(String(describing: size))")
    }

    @Test func `a macvtap is made, opened and removed`() throws {
        let link = try socket.link(named: "eth0")
        try socket.addMacvtap("tap7", on: link, mode: .passthru)
        let tap = try socket.link(named: "tap7")
        #expect(tap.kind == "macvtap")
        #expect(tap.lower == link.index)
        #expect(tap.hardwareAddress == link.hardwareAddress)
        #expect(try ip("-d -o link show tap7").contains("macvtap mode passthru"))
        try socket.change(tap, LinkChange(isUp: true))
        let device = try NetworkNamespace.enter(lab.pod) { try TapDevice.openMacvtap(tap) }
        defer { try? device.close() }
        #expect(try FileSystem.status(of: device).type == .characterDevice)
        try socket.remove(tap)
        try socket.remove(tap)
        #expect(try Set(socket.links().map(\.name)) == ["lo", "eth0"])
    }

    @Test func `a macvtap can be made in another namespace`() throws {
        let link = try socket.link(named: "eth0")
        let address = HardwareAddress.random()
        try socket.addMacvtap("eth5", on: link, mode: .bridge, hardwareAddress: address, mtu: 1300, in: lab.far)
        let far = try NetworkNamespace.enter(lab.far) { try RouteSocket() }
        let tap = try far.link(named: "eth5")
        #expect(tap.hardwareAddress == address)
        #expect(tap.mtu == 1300)
        let device = try NetworkNamespace.enter(lab.far) { try TapDevice.openMacvtap(tap) }
        try device.close()
    }

    @Test func `filters are set once and removed`() throws {
        let link = try socket.link(named: "eth0")
        let filters = [
            TrafficFilter(.ipv4, TrafficFilter.Match.bytes([10, 9, 0, 2], at: 12), .redirect(link)),
            TrafficFilter(.any, [], .keep),
        ]
        try socket.setFilters(filters, on: link)
        let text = try lab.run(lab.pod, "tc", "filter show dev eth0 ingress")
        #expect(text.contains("match 0a090002/ffffffff at 12"))
        #expect(text.contains("Egress Redirect to device eth0"))
        let error = #expect(throws: RuntimeError.self) { try socket.setFilters([], on: link) }
        #expect(error?.code == .exists)
        for _ in 0..<2 { try socket.removeFilters(from: link) }
        #expect(try lab.run(lab.pod, "tc", "qdisc show dev eth0 ingress") == "")
        try socket.setFilters(filters, on: link)
    }
}

@Suite(.requiresNetworkNamespaces) struct NetworkNamespaceTests {
    private func current() throws -> String { try FileSystem.readSymbolicLink("/proc/thread-self/ns/net") }

    @Test func `only what is asked for happens in the namespace`() throws {
        let before = try current()
        let namespace = try NetworkNamespace.make()
        defer { try? namespace.close() }
        #expect(try current() == before)
        let inside = try NetworkNamespace.enter(namespace) { try current() }
        #expect(inside != before)
        #expect(try current() == before)
        #expect(try NetworkNamespace.enter(namespace) { try RouteSocket().links().map(\.name) } == ["lo"])
    }

    @Test func `an error comes out of the namespace, and a file that is none is refused`() throws {
        let namespace = try NetworkNamespace.make()
        defer { try? namespace.close() }
        let error = #expect(throws: RuntimeError.self) {
            try NetworkNamespace.enter(namespace) { throw RuntimeError(.busy, "inside") }
        }
        #expect(error?.message == "inside")
        let file = try NetworkNamespace.open("/dev/null")
        defer { try? file.close() }
        #expect(throws: RuntimeError.self) { try NetworkNamespace.enter(file) {} }
    }

    @Test func `a tap goes with its descriptor`() async throws {
        let namespace = try NetworkNamespace.make()
        defer { try? namespace.close() }
        let socket = try NetworkNamespace.enter(namespace) { try RouteSocket() }
        let (tap, name) = try NetworkNamespace.enter(namespace) { try TapDevice.make() }
        #expect(try socket.link(named: name).kind == "tun")
        try tap.close()
        // A program that another test starts at this moment has the descriptor, too, until it is executed.
        try await eventually("the end of the tap") { try socket.links().map(\.name) == ["lo"] }
    }
}

extension Substring {
    fileprivate func trimmingSuffix() -> String {
        var text = self
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
