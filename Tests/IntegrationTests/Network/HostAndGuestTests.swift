// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// What a pod and its host have to say to each other, and what the world sees of it.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .requires("busybox"),
    .podLogs,
    .timeLimit(.minutes(5)))
struct HostAndGuestTests {
    @Test(arguments: Joint.allCases)
    func theHostAndAPodReachEachOtherAndTheOutsideSeesTheHost(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            try await host.serve("host")
            try await host.connect("outside", by: "up0", [("192.0.2.1/24", "192.0.2.2/24")])
            let pod = try await host.pod("guest", ["--net=default"])

            let address = try await pod.address(on: "default")
            #expect(address.hasPrefix("172.16.28."))
            let hardware = try await pod.hardwareAddress(of: "eth0")
            #expect(try await pod.interfaces() == ["eth0 \(hardware) 1500"])
            #expect(try await pod.shell("ip -o -4 addr show eth0").contains(" \(address)/24 "))
            let routes = try await pod.shell("ip route")
            #expect(routes.contains("default via 172.16.28.1 dev eth0"))

            for (kind, owner) in [("tun", Joint.tap), ("macvtap", .macvtap)] {
                let joints = try await host.run("ip -n cni-\(pod.pod.uuid) -br link show type \(kind)")
                #expect(joints.split(separator: "\n").count == (joint == owner ? 1 : 0))
            }

            for transport in Transport.allCases {
                #expect(try await pod.ask(transport, "172.16.28.1") == "host \(address)")
                #expect(try await host.ask(transport, address) == "guest 172.16.28.1")
                #expect(try await pod.ask(transport, "192.0.2.2") == "outside 192.0.2.1")
            }
            #expect(try await pod.shell("ping -c 1 -W 20 172.16.28.1 >/dev/null && echo there") == "there")
            #expect(try await host.run("busybox ping -c 1 -W 20 \(address) >/dev/null && echo there") == "there")
            #expect(try await !host.traces().isEmpty)
            try await pod.stop()
        }
    }

    /// The built-in network without a way out.
    @Test(arguments: Joint.allCases) func aRestrictedPodReachesTheHostOnly(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            try await host.serve("host")
            try await host.connect("outside", by: "up0", [("192.0.2.1/24", "192.0.2.2/24")])
            let pod = try await host.pod("guest", ["--net=default-restricted"])
            let address = try await pod.address(on: "default-restricted")
            #expect(address.hasPrefix("172.31."))
            #expect(try await pod.ask(.tcp, "172.31.0.1") == "host \(address)")
            #expect(try await host.ask(.udp, address)?.hasPrefix("guest ") == true)
            #expect(try await pod.ask(.tcp, "192.0.2.2", seconds: 3) == nil)
            try await pod.stop()
        }
    }
}
