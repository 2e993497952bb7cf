// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Guest
import GuestProtocol
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// What the shim does with a machine's interfaces, done with those of a network namespace.
@Suite(.requiresNetworkNamespaces) struct NetworkSetUpTests {
    private let lab: NetworkLab

    init() throws { lab = try NetworkLab() }

    private func bytes(_ address: String) throws -> [UInt8] { try #require(IPAddress(address)).bytes }

    private func apply(_ interfaces: [PodConfiguration.Interface], patience: Int = 5000) throws {
        try NetworkNamespace.enter(lab.pod) { try NetworkSetUp(interfaces: interfaces, patience: patience).apply() }
    }

    private func interface(_ name: String, _ number: UInt8) -> PodConfiguration.Interface {
        .init(name: name, hardwareAddress: [2, 0, 0, 0, 0, number], mtu: 1400)
    }

    @Test func `an interface gets its name, size, addresses and routes`() throws {
        try lab.connect("ens3", to: "far0", hardwareAddress: "02:00:00:00:00:01")
        try lab.ip(lab.pod, "link set ens3 down")
        try lab.ip(lab.pod, "link set lo down")
        var interface = interface("eth0", 1)
        interface.addresses = [
            .init(address: try bytes("10.9.0.2"), prefixLength: 24, broadcast: try bytes("10.9.0.255")),
            .init(address: try bytes("fd09::2"), prefixLength: 64),
        ]
        interface.routes = [
            .init(destination: try bytes("10.9.0.1"), prefixLength: 32),
            .init(destination: try bytes("fd09::"), prefixLength: 64),
            .init(destination: try bytes("0.0.0.0"), prefixLength: 0, gateway: try bytes("10.9.0.1")),
            .init(
                destination: try bytes("10.8.0.0"), prefixLength: 16, gateway: try bytes("192.168.1.1"), metric: 8,
                mtu: 1300, isOnLink: true),
            .init(destination: try bytes("::"), prefixLength: 0, gateway: try bytes("fd09::1")),
        ]
        try apply([interface])
        #expect(try lab.ip(lab.pod, "-o link show lo").contains("LOOPBACK,UP"))
        #expect(try lab.ip(lab.pod, "-o link show eth0").contains("mtu 1400"))
        let addresses = try lab.ip(lab.pod, "-o addr show eth0")
        #expect(addresses.contains("inet 10.9.0.2/24 brd 10.9.0.255 scope global "))
        #expect(addresses.contains("inet6 fd09::2/64 scope global nodad noprefixroute"))
        #expect(addresses.contains("inet6 fe80::ff:fe00:1/64 scope link"))
        #expect(!addresses.contains("tentative"))
        let routes = try lab.ip(lab.pod, "route show") + lab.ip(lab.pod, "-6 route show")
        #expect(routes.contains("default via 10.9.0.1 dev eth0"))
        #expect(routes.contains("10.9.0.1 dev eth0"))
        #expect(routes.contains("10.8.0.0/16 via 192.168.1.1 dev eth0 metric 8 onlink mtu 1300"), "\(routes)")
        #expect(routes.contains("default via fd09::1 dev eth0"))
        // The network of the address is not reached directly, as no route says so.
        #expect(!routes.contains("10.9.0.0/24"))
        let advertisements = try NetworkNamespace.enter(lab.pod) {
            try FileSystem.readText("/proc/sys/net/ipv6/conf/eth0/accept_ra")
        }
        #expect(advertisements == "0\n")
    }

    @Test func `names that others have are exchanged`() throws {
        try lab.connect("eth1", to: "far0", hardwareAddress: "02:00:00:00:00:01")
        try lab.connect("eth2", to: "far1", hardwareAddress: "02:00:00:00:00:02")
        try lab.connect("eth0", to: "far2", hardwareAddress: "02:00:00:00:00:03")
        try apply([interface("eth0", 1), interface("eth1", 2), interface("eth2", 3)])
        let links = try NetworkNamespace.enter(lab.pod) { try RouteSocket().links() }
        let numbers = links.filter { $0.name != "lo" }.map { "\($0.name) \($0.hardwareAddress?.bytes.last ?? 0)" }
        #expect(numbers.sorted() == ["eth0 1", "eth1 2", "eth2 3"])
        #expect(links.allSatisfy { $0.isUp && $0.hasCarrier })
    }

    @Test func `an interface that the machine does not have is named`() throws {
        let error = #expect(throws: RuntimeError.self) { try apply([interface("eth0", 9)], patience: 20) }
        #expect(
            error?.message
                == "the machine has no network interface with the address 02:00:00:00:00:09, which is to be eth0"
        )
    }

    @Test func `a route that cannot be ends the set-up with the interface and the reason`() throws {
        try lab.connect("eth0", to: "far0", hardwareAddress: "02:00:00:00:00:01")
        var interface = interface("eth0", 1)
        interface.routes = [
            .init(destination: try bytes("0.0.0.0"), prefixLength: 0, gateway: try bytes("10.250.0.1"))
        ]
        let error = #expect(throws: RuntimeError.self) { try apply([interface]) }
        #expect(error?.description.hasPrefix("setting up the network interface eth0: adding the route ") == true)
        #expect(error?.description.contains("invalid gateway") == true, "\(String(describing: error))")
    }
}
