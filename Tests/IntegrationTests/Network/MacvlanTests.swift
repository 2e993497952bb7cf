// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Pods on interfaces of the host that others are on, too.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .podLogs,
    .timeLimit(.minutes(5)))
struct MacvlanTests {
    private func street(_ host: NetworkHost, mode: String?) throws {
        try host.configure(
            "20-street.conf",
            """
            {"name":"street","type":"macvlan","master":"road0",\(mode.map { #""mode":"\#($0)","# } ?? "")"mtu":1300,
             "ipam":{"type":"host-local","subnet":"198.51.100.0/24","rangeStart":"198.51.100.50"}}
            """)
    }

    /// The mode is nil for the standard one.
    @Test(arguments: [(nil, true), ("bridge", true), ("private", false), ("vepa", false)])
    func podsReachANeighbourAndInModeBridgeEachOther(mode: String?, reachEachOther: Bool) async throws {
        try await NetworkHost.with { host in
            try await host.connect("neighbour", by: "road0", [(nil, "198.51.100.1/24")])
            try street(host, mode: mode)
            let first = try await host.pod("first", ["--net=street"])
            let second = try await host.pod("second", ["--net=street"])
            #expect(try await first.networks() == ["street:ip4=198.51.100.50"])
            for (pod, name, address) in [(first, "first", "198.51.100.50"), (second, "second", "198.51.100.51")] {
                for transport in Transport.allCases {
                    #expect(try await pod.ask(transport, "198.51.100.1") == "neighbour \(address)")
                    #expect(
                        try await host.ask(transport, address, from: "neighbour") == "\(name) 198.51.100.1")
                }
                let hardware = try await host.run("ip -n neighbour neigh show \(address)").split(separator: " ")
                #expect(try await pod.interfaces() == ["eth0 \(hardware.dropFirst(4).first ?? "") 1300"])
                #expect(try await pod.shell("ip -o -4 addr show eth0").contains(" \(address)/24 "))
            }
            let answer = try await first.ask(
                .tcp, "198.51.100.51", NetworkHost.podPort, seconds: reachEachOther ? NetworkHost.patience : 3)
            #expect(answer == (reachEachOther ? "second 198.51.100.50" : nil))
            for pod in [first, second] { try await pod.stop() }
        }
    }

    @Test(.requires(.ownKernel)) func inModePassthruAPodHasTheInterfaceForItself() async throws {
        try await NetworkHost.with { host in
            try await host.connect("neighbour", by: "road0", [(nil, "198.51.100.1/24")])
            try street(host, mode: "passthru")
            let hardware = try await host.run("ip -br link show road0").split(separator: " ").dropFirst(2).first ?? ""
            let pod = try await host.pod("pod", ["--net=street"])
            #expect(try await pod.interfaces() == ["eth0 \(hardware) 1300"])
            #expect(try await pod.ask(.tcp, "198.51.100.1") == "neighbour 198.51.100.50")
            #expect(try await host.ask(.udp, "198.51.100.50", from: "neighbour") == "pod 198.51.100.1")

            let traces = try await host.traces()
            let second = try await host.fixture.rkt(["run"] + host.arguments("second", ["--net=street"]))
            #expect(second.status == 254)
            #expect(second.complaints.count == 1, "\(second.error)")
            #expect(
                second.error.contains(
                    "networking: network \"street\" cannot be joined to the pod's machine: the interface \"road0\" is not "
                        + "to be had in mode passthru"), "\(second.error)")
            #expect(host.fixture.uuids == [pod.pod.uuid])
            #expect(try await host.traces() == traces)
            #expect(try await pod.ask(.tcp, "198.51.100.1") == "neighbour 198.51.100.50")
            try await pod.stop()
        }
    }

    @Test(arguments: Joint.allCases) func aPodIsOnThreeNetworksAtOnce(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            try await host.serve("host")
            try await host.connect("neighbour", by: "road0", [(nil, "198.51.100.1/24")])
            try await host.connect("outside", by: "up0", [("192.0.2.1/24", "192.0.2.2/24")])
            try street(host, mode: "bridge")
            try host.configure(
                "10-yard.conf",
                """
                {"name":"yard","type":"bridge","bridge":"yard0","isGateway":true,"mtu":1400,
                 "ipam":{"type":"host-local","subnet":"10.77.0.0/24"}}
                """)
            let pod = try await host.pod("pod", ["--net=default,street,yard:IP=10.77.0.30"])

            #expect(try await pod.networks().count == 3)
            #expect(try await pod.address(on: "yard") == "10.77.0.30")
            #expect(try await pod.address(on: "street") == "198.51.100.50")
            let address = try await pod.address(on: "default")
            // In the order of the files' names.
            let addresses = try await pod.shell("ip -o -4 addr")
            for (interface, address) in [("eth0", "10.77.0.30"), ("eth1", "198.51.100.50"), ("eth2", address)] {
                #expect(addresses.contains(" \(interface)    inet \(address)/24 "), "\(addresses)")
            }
            let interfaces = try await pod.interfaces().map { $0.split(separator: " ").map(String.init) }
            #expect(interfaces.map { [$0[0], $0[2]] } == [["eth0", "1400"], ["eth1", "1300"], ["eth2", "1500"]])
            #expect(Set(interfaces.map { $0[1] }).count == 3)
            let routes = try await pod.shell("ip route")
            #expect(routes.contains("default via 172.16.28.1 dev eth2"))
            #expect(routes.split(separator: "\n").count { $0.hasPrefix("default") } == 1)

            for transport in Transport.allCases {
                #expect(try await pod.ask(transport, "10.77.0.1") == "host 10.77.0.30")
                #expect(try await pod.ask(transport, "198.51.100.1") == "neighbour 198.51.100.50")
                #expect(try await pod.ask(transport, "172.16.28.1") == "host \(address)")
                #expect(try await pod.ask(transport, "192.0.2.2") == "outside 192.0.2.1")
                #expect(try await host.ask(transport, "10.77.0.30") == "pod 10.77.0.1")
                #expect(try await host.ask(transport, "198.51.100.50", from: "neighbour") == "pod 198.51.100.1")
                #expect(try await host.ask(transport, address) == "pod 172.16.28.1")
            }
            try await pod.stop()
        }
    }
}
