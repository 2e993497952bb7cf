// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Networking
import TestSupport
import Testing

struct PortForwardingTests {
    private let uuid: PodUUID

    init() throws { uuid = try PodUUID(parsing: "0d3a1e2c-1111-4222-8333-444455556666") }

    private func target(_ text: String, interface: String? = nil) throws -> PortForwarding.Target {
        PortForwarding.Target(address: try #require(IPPrefix(text)), interface: interface)
    }

    private func forwarded(_ text: String, protocol name: String = "tcp", count: Int = 1) throws -> ForwardedPort {
        let exposed = try ExposedPort(parsing: text)
        return ForwardedPort(
            exposed: exposed, port: Port(name: exposed.name, protocol: name, port: 80, count: count))
    }

    @Test func aManifestsPortsBecomeMappings() throws {
        let activated = ForwardedPort(
            exposed: ExposedPort(name: "a", hostPort: 1),
            port: Port(name: "a", protocol: "tcp", port: 1, socketActivated: true))
        let mappings = try PortMapping.mappings([
            forwarded("http:8080"), forwarded("dns:127.0.0.1:53", protocol: "UDP", count: 3),
            forwarded("any:0.0.0.0:81"), activated,
        ])
        #expect(
            mappings == [
                PortMapping(name: "http", transport: .tcp, hostPort: 8080, podPort: 80),
                PortMapping(
                    name: "dns", transport: .udp, hostAddress: IPAddress("127.0.0.1"), hostPort: 53, podPort: 80,
                    count: 3),
                PortMapping(name: "any", transport: .tcp, hostPort: 81, podPort: 80),
            ])
        let error = #expect(throws: RuntimeError.self) {
            try PortMapping.mappings([forwarded("x:8080", protocol: "icmp")])
        }
        #expect(error?.message.contains("only tcp and udp") == true)
    }

    @Test func theFirstNetworkThatMasqueradesIsUsedOrElseTheLast() throws {
        func network(_ name: String, _ masquerades: Bool) throws -> SelectedNetwork {
            let text = #"{"name":"\#(name)","type":"ptp","ipMasq":\#(masquerades)}"#
            return SelectedNetwork(
                try NetworkConfiguration(parsing: Array(text.utf8), .single, file: nil), arguments: "")
        }
        let plain = try network("plain", false), first = try network("first", true),
            second = try network("second", true)
        #expect(PortForwarding.network(among: [plain, first, second]) == 1)
        #expect(PortForwarding.network(among: [plain, plain]) == 1)
        #expect(PortForwarding.network(among: []) == nil)
    }

    @Test func nftGetsOneTableForEachFamily() throws {
        let forwarding = PortForwarding(
            uuid: uuid, targets: [try target("172.16.28.2/24", interface: "veth1"), try target("fd00::2/64")],
            mappings: [
                PortMapping(name: "http", transport: .tcp, hostPort: 8080, podPort: 80),
                PortMapping(
                    name: "dns", transport: .udp, hostAddress: IPAddress("10.0.0.1"), hostPort: 53, podPort: 53,
                    count: 2),
            ])
        let translations = """
            \t\tfib daddr type local tcp dport 8080 dnat to 172.16.28.2:80
            \t\tip daddr 10.0.0.1 udp dport 53-54 dnat to 172.16.28.2
            """
        #expect(
            forwarding.nftInput == """
                table ip rkt-0d3a1e2c-1111-4222-8333-444455556666 {
                \tchain prerouting {
                \t\ttype nat hook prerouting priority -100; policy accept;
                \(translations)
                \t}
                \tchain output {
                \t\ttype nat hook output priority -100; policy accept;
                \(translations)
                \t}
                \tchain postrouting {
                \t\ttype nat hook postrouting priority 100; policy accept;
                \t\tip saddr 172.16.28.0/24 ip daddr 172.16.28.2 tcp dport 80 ct status dnat masquerade
                \t\tip saddr 127.0.0.0/8 ip daddr 172.16.28.2 tcp dport 80 ct status dnat masquerade
                \t\tip saddr 172.16.28.0/24 ip daddr 172.16.28.2 udp dport 53-54 ct status dnat masquerade
                \t\tip saddr 127.0.0.0/8 ip daddr 172.16.28.2 udp dport 53-54 ct status dnat masquerade
                \t}
                \tchain guard {
                \t\ttype filter hook prerouting priority -300; policy accept;
                \t\tiifname "veth1" ip daddr 127.0.0.0/8 drop
                \t}
                }
                table ip6 rkt-0d3a1e2c-1111-4222-8333-444455556666 {
                \tchain prerouting {
                \t\ttype nat hook prerouting priority -100; policy accept;
                \t\tfib daddr type local tcp dport 8080 dnat to [fd00::2]:80
                \t}
                \tchain output {
                \t\ttype nat hook output priority -100; policy accept;
                \t\tfib daddr type local tcp dport 8080 dnat to [fd00::2]:80
                \t}
                \tchain postrouting {
                \t\ttype nat hook postrouting priority 100; policy accept;
                \t\tip6 saddr fd00::/64 ip6 daddr fd00::2 tcp dport 80 ct status dnat masquerade
                \t}
                }

                """)
    }

    @Test func iptablesGetsChainsThatNameThePod() throws {
        let forwarding = PortForwarding(
            uuid: uuid, targets: [try target("172.16.28.2/24", interface: "veth1")],
            mappings: [PortMapping(name: "http", transport: .tcp, hostPort: 8080, podPort: 80, count: 2)])
        let id = "0d3a1e2c11114222833344"
        let owner = #"-m comment --comment "rkt id: \"0d3a1e2c-1111-4222-8333-444455556666\"""#
        #expect(
            forwarding.iptablesInput(isIPv4: true) == """
                *nat
                :RKT-D-\(id) - [0:0]
                :RKT-S-\(id) - [0:0]
                -A RKT-D-\(id) -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.16.28.2:80
                -A RKT-D-\(id) -p tcp -m tcp --dport 8081 -j DNAT --to-destination 172.16.28.2:81
                -A RKT-S-\(id) -s 172.16.28.0/24 -d 172.16.28.2 -p tcp -m tcp --dport 80:81 -m conntrack --ctstate DNAT -j MASQUERADE
                -A RKT-S-\(id) -s 127.0.0.0/8 -d 172.16.28.2 -p tcp -m tcp --dport 80:81 -m conntrack --ctstate DNAT -j MASQUERADE
                -I PREROUTING -m addrtype --dst-type LOCAL \(owner) -j RKT-D-\(id)
                -I OUTPUT -m addrtype --dst-type LOCAL \(owner) -j RKT-D-\(id)
                -I POSTROUTING \(owner) -j RKT-S-\(id)
                COMMIT
                *raw
                -A PREROUTING -i veth1 -d 127.0.0.0/8 \(owner) -j DROP
                COMMIT

                """)
        #expect(forwarding.iptablesInput(isIPv4: false) == nil)
    }

    @Test func aPortOfTheHostIsHeldByOnePod() throws {
        let server = Int(try Registry.freePort())
        let mapping = PortMapping(
            name: "http", transport: .tcp, hostAddress: IPAddress("127.0.0.1"), hostPort: server, podPort: 80)
        do {
            let first = PortReservation()
            // Again, which changes nothing.
            for _ in 1...2 { try first.hold([mapping], [.v4]) }
            let error = #expect(throws: RuntimeError.self) { try PortReservation().hold([mapping], [.v4]) }
            #expect(error?.code == .busy)
            #expect(error?.message.contains("127.0.0.1, port \(server)/tcp is in use") == true)
            withExtendedLifetime(first) {}
        }
        try PortReservation().hold([mapping], [.v4])
        let foreign = PortMapping(
            name: "http", transport: .udp, hostAddress: IPAddress("192.0.2.1"), hostPort: server, podPort: 80)
        let error = #expect(throws: RuntimeError.self) { try PortReservation().hold([foreign], [.v4]) }
        #expect(error?.message.contains("does not have the address of 192.0.2.1") == true)
    }

    @Test func theInterfaceThatLeadsToAnAddressIsTheMostSpecificRoutes() throws {
        let routes = HostRoute.parse(
            """
            Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
            eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
            br0\t001C10AC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
            veth1\t021C10AC\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
            junk
            """)
        func interface(_ text: String) throws -> String? {
            HostRoute.best(routes, for: try #require(IPAddress(text)))?.interface
        }
        #expect(try interface("172.16.28.2") == "veth1")
        #expect(try interface("172.16.28.3") == "br0")
        #expect(try interface("8.8.8.8") == nil)
    }
}
