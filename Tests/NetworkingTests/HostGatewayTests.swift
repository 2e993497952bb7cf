// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport
import Testing

/// Where a pod finds the host that it runs on.
struct HostGatewayTests {
    private func network(
        _ name: String, _ addresses: [(String, String?)], isolatesHost: Bool = false
    ) throws -> JoinedNetwork {
        let list = addresses.map { address, gateway in
            #"{"address":"\#(address)""# + (gateway.map { #","gateway":"\#($0)""# } ?? "") + "}"
        }
        let document = #"{"cniVersion":"1.0.0","ips":[\#(list.joined(separator: ","))],"dns":{}}"#
        return JoinedNetwork(
            name: name, result: try NetworkResult(JSONValue(parsing: Array(document.utf8)), version: .v0_4_0),
            isolatesHost: isolatesHost)
    }

    private let host = Set(
        ["127.0.0.1", "172.16.28.1", "172.31.0.1", "fd00::1", "fe80::1"].compactMap { IPAddress($0) })

    @Test func theFirstNetworkThatReachesTheHostIsTaken() throws {
        let networks = [
            try network("far", [("10.0.0.2/24", "10.0.0.1")]), try network("none", [("10.1.0.2/24", nil)]),
            try network("default-restricted", [("172.31.0.2/16", "172.31.0.1")]),
            try network("default", [("172.16.28.2/24", "172.16.28.1")]),
        ]
        #expect(try HostGateway.choose(networks, host: host).description == "172.31.0.1")
        #expect(try HostGateway.choose(networks.reversed(), host: host).description == "172.16.28.1")
    }

    @Test func addressesOfIPv4GoFirstAndThoseOfALinkAreOfNoUse() throws {
        let both = try network("both", [("fd00::2/64", "fd00::1"), ("172.16.28.2/24", "172.16.28.1")])
        #expect(try HostGateway.choose([both], host: host).description == "172.16.28.1")
        let link = try network("link", [("fe80::2/64", "fe80::1"), ("fd00::2/64", "fd00::1")])
        #expect(try HostGateway.choose([link], host: host).description == "fd00::1")
        #expect(link.addresses.map(\.description) == ["fd00::2"])
    }

    @Test func withoutOneTheRemedyIsTold() throws {
        let networks = [
            try network("mac", [("172.16.28.2/24", "172.16.28.1")], isolatesHost: true),
            try network("far", [("10.0.0.2/24", "10.0.0.1")]),
        ]
        let error = #expect(throws: RuntimeError.self) { try HostGateway.choose(networks, host: host) }
        #expect(
            error?.message == "--mds-register needs a network that reaches this host; none of \"mac\", \"far\" does, "
                + "add default-restricted to --net")
    }

    @Test func theHostHasItsLoopbackAddress() throws {
        #expect(try HostGateway.hostAddresses().contains(try #require(IPAddress("127.0.0.1"))))
    }

    @Test(
        .requiresRoot, .requiresNetworkPlugins, .timeLimit(.minutes(5)), arguments: ["default", "default-restricted"])
    func theBuiltInNetworksReachTheHost(name: String) {
        let failures = OwnNetwork.run { host in
            let pod = try PodOfTest(in: host.scratch.path, name)
            guard try pod.networks.setUp(for: .virtualMachine) != nil else { throw Errno.invalidArgument }
            let joined = try pod.networks.joined()
            host.expect(joined.map(\.name), [name])
            let gateway = name == "default" ? "172.16.28.1" : "172.31.0.1"
            host.expect(try HostGateway.choose(joined, host: HostGateway.hostAddresses()).description, gateway)
            host.expect(joined.flatMap(\.addresses).count, 1)
            host.expect(pod.networks.tearDown().isComplete, "something is left")
        }
        #expect(failures == [])
    }
}
