// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

/// Ports of the host that lead to a pod.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .podLogs,
    .timeLimit(.minutes(5)))
struct PortTests {
    /// What the ports lead through.
    enum Network: String, Sendable, CaseIterable, CustomTestStringConvertible {
        /// The one that needs no file.
        case link = "default"
        case bridge
        /// A chain with a plugin that forwards ports itself.
        case chain

        var testDescription: String { rawValue }

        func configure(_ host: NetworkHost) throws {
            switch self {
            case .link: break
            case .bridge:
                try host.configure(
                    "10-bridge.conf",
                    """
                    {"name":"bridge","type":"bridge","bridge":"yard0","isGateway":true,"ipMasq":true,
                     "ipam":{"type":"host-local","subnet":"10.77.0.0/24","routes":[{"dst":"0.0.0.0/0"}]}}
                    """)
            case .chain:
                try host.configure(
                    "10-chain.conflist",
                    """
                    {"cniVersion":"0.4.0","name":"chain","plugins":[
                     {"type":"bridge","bridge":"yard0","isGateway":true,"ipMasq":true,
                      "ipam":{"type":"host-local","subnet":"10.77.0.0/24","routes":[{"dst":"0.0.0.0/0"}]}},
                     {"type":"portmap","capabilities":{"portMappings":true}}]}
                    """)
            }
        }
    }

    @Test(arguments: Joint.allCases, Network.allCases)
    func portsOfTheHostLeadToAPod(joint: Joint, network: Network) async throws {
        try await NetworkHost.with(joint) { host in
            try await host.connect("outside", by: "up0", [("192.0.2.1/24", "192.0.2.2/24")])
            try network.configure(host)
            let options = ["--net=\(network.rawValue)", "--port=stream:7070", "--port=message:7071"]
            let pod = try await host.pod("pod", options)
            let ports = [(Transport.tcp, 7070), (.udp, 7071)]
            for (transport, port) in ports {
                #expect(try await host.ask(transport, "192.0.2.1", port, from: "outside") == "pod 192.0.2.2")
                for address in ["192.0.2.1", "127.0.0.1"] {
                    let answer = try await host.ask(transport, address, port)
                    #expect(answer?.hasPrefix("pod ") == true, "\(transport) to \(address)")
                }
            }
            // What is not forwarded is not reached.
            #expect(try await host.ask(.tcp, "192.0.2.1", 7071, from: "outside", seconds: 1) == nil)
            try await pod.stop()
            for (transport, port) in ports {
                #expect(try await host.ask(transport, "192.0.2.1", port, from: "outside", seconds: 1) == nil)
            }
        }
    }

    /// What the host allows for a bridge, and the first pod that needs it leaves, is there until the last one is gone. One is
    /// led to by nft, one by iptables.
    /// - Parameter sameTool: whether the rules of both pods are made by nft(8).
    @Test(arguments: [true, false]) func aBridgeIsOpenToLoopbackWhileAPodNeedsIt(sameTool: Bool) async throws {
        try await NetworkHost.with { host in
            try Network.bridge.configure(host)
            let setting = "cat /proc/sys/net/ipv4/conf/yard0/route_localnet"
            let collect = ["gc", "--grace-period=0s", "--expire-prepared=0s"]
            func kill(_ pod: NetworkedPod) async throws {
                pod.pod.process.killAll()
                // A process that is ending holds its pod's lock a little longer than it can be seen.
                let deadline = Clock.milliseconds + 60_000
                while host.fixture.uuids.contains(pod.pod.uuid) {
                    guard Clock.milliseconds < deadline else { throw TimedOut("the pod's removal", .seconds(60)) }
                    let gc = try await host.fixture.rkt(collect)
                    #expect(gc.status == 0, "\(gc.error)")
                }
            }
            let first = try await host.pod("first", ["--net=bridge", "--port=stream:7070"])
            #expect(try await host.run(setting) == "1")
            if !sameTool { try await host.run("mount --bind /dev/null /usr/sbin/nft") }
            let second = try await host.pod("second", ["--net=bridge", "--port=stream:7072"])
            if !sameTool { try await host.run("umount /usr/sbin/nft") }
            try await kill(first)
            #expect(try await host.run(setting) == "1")
            #expect(try await host.ask(.tcp, "127.0.0.1", 7072)?.hasPrefix("second ") == true)
            #expect(try await host.ask(.tcp, "127.0.0.1", 7070, seconds: 1) == nil)
            try await kill(second)
            #expect(try await host.run(setting) == "0")
        }
    }

    @Test(arguments: Joint.allCases) func aPortOfOneAddressIsReachedThereOnly(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            try await host.connect("outside", by: "up0", [("192.0.2.1/24", "192.0.2.2/24")])
            let pod = try await host.pod(
                "pod", ["--net=default", "--port=stream:127.0.0.1:7070", "--port=message:192.0.2.1:7071"])
            #expect(try await host.ask(.tcp, "127.0.0.1", 7070)?.hasPrefix("pod ") == true)
            #expect(try await host.ask(.udp, "192.0.2.1", 7071, from: "outside") == "pod 192.0.2.2")
            #expect(try await host.ask(.tcp, "192.0.2.1", 7070, from: "outside", seconds: 2) == nil)
            #expect(try await host.ask(.udp, "127.0.0.1", 7071, seconds: 2) == nil)
            try await pod.stop()
        }
    }
}
