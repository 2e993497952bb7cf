// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Pods on networks of the plugin bridge.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .podLogs,
    .timeLimit(.minutes(5)))
struct BridgeTests {
    @Test(arguments: Joint.allCases)
    func podsOfABridgeReachEachOtherAndNotAThirdNetwork(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            try host.configure(
                "10-yard.conf",
                """
                {"name":"yard","type":"bridge","bridge":"yard0","mtu":1400,
                 "ipam":{"type":"host-local","subnet":"10.77.0.0/24"}}
                """)
            try host.configure(
                "20-field.conf",
                """
                {"name":"field","type":"bridge","bridge":"field0","isGateway":true,
                 "ipam":{"type":"host-local","subnet":"10.78.0.0/24"}}
                """)
            let capabilities = ["--caps-retain=CAP_NET_ADMIN,CAP_NET_RAW"]
            let first = try await host.pod("first", ["--net=yard:IP=10.77.0.20"], capabilities)
            let second = try await host.pod("second", ["--net=yard"])
            let third = try await host.pod("third", ["--net=field"])
            #expect(try await first.networks() == ["yard:ip4=10.77.0.20"])
            let address = try await second.address(on: "yard")
            #expect(try await third.networks() == ["field:ip4=10.78.0.2"])
            for (pod, address) in [(first, "10.77.0.20"), (second, address)] {
                let hardware = try await pod.hardwareAddress(of: "eth0")
                #expect(try await pod.interfaces() == ["eth0 \(hardware) 1400"])
                #expect(try await pod.shell("ip -o -4 addr show eth0").contains(" \(address)/24 "))
            }

            for transport in Transport.allCases {
                #expect(
                    try await first.ask(transport, address, NetworkHost.podPort) == "second 10.77.0.20")
                #expect(
                    try await second.ask(transport, "10.77.0.20", NetworkHost.podPort) == "first \(address)")
                #expect(try await host.ask(transport, "10.78.0.2") == "third 10.78.0.1")
            }
            // Frames of the full size.
            let answers = try await first.shell("ping -c 2 -W 20 -s 1372 \(address) | grep -c '^1380 bytes from'")
            #expect(answers == "2")

            #expect(try await first.ask(.tcp, "10.78.0.2", NetworkHost.podPort, seconds: 3) == nil)
            #expect(try await third.ask(.tcp, "10.77.0.20", NetworkHost.podPort, seconds: 3) == nil)
            // Nor does it help to look for the third network on this one.
            #expect(try await first.shell("ip route add 10.78.0.0/24 dev eth0 && echo added") == "added")
            for transport in Transport.allCases {
                #expect(try await first.ask(transport, "10.78.0.2", NetworkHost.podPort, seconds: 3) == nil)
            }
            for pod in [first, second, third] { try await pod.stop() }
        }
    }

    @Test(arguments: Joint.allCases) func aBridgeCarriesIPv6(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            try await host.serve("host")
            try await host.connect(
                "outside", by: "up0",
                [("192.0.2.1/24", "192.0.2.2/24"), ("2001:db8:2::1/64", "2001:db8:2::2/64")])
            try host.configure(
                "10-yard.conf",
                """
                {"cniVersion":"0.4.0","name":"yard","type":"bridge","bridge":"yard0","isGateway":true,"ipMasq":true,
                 "ipam":{"type":"host-local","ranges":[[{"subnet":"fd77::/64"}],[{"subnet":"10.77.0.0/24"}]],
                 "routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"}]}}
                """)
            let first = try await host.pod("first", ["--net=yard"])
            let second = try await host.pod("second", ["--net=yard"])
            #expect(try await first.networks() == ["yard:ip4=10.77.0.2"])
            let addresses = try await first.shell("ip -o -6 addr show eth0")
            #expect(addresses.contains(" fd77::2/64 "))
            #expect(addresses.contains(" fe80::"))
            #expect(!addresses.contains("tentative"))
            #expect(try await first.shell("ip -6 route").contains("default via fd77::1 dev eth0"))

            for transport in Transport.allCases {
                #expect(try await first.ask(transport, "fd77::1") == "host fd77::2")
                #expect(try await host.ask(transport, "fd77::2") == "first fd77::1")
                #expect(try await first.ask(transport, "fd77::3", NetworkHost.podPort) == "second fd77::2")
                #expect(try await second.ask(transport, "10.77.0.2", NetworkHost.podPort) == "first 10.77.0.3")
                #expect(try await first.ask(transport, "2001:db8:2::2") == "outside 2001:db8:2::1")
                #expect(try await first.ask(transport, "192.0.2.2") == "outside 192.0.2.1")
            }
            for pod in [first, second] { try await pod.stop() }
        }
    }
}
