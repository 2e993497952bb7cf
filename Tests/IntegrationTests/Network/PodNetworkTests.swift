// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods on networks of CNI plugins, in a network of the test's own.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requiresNetworkPlugins, .podLogs, .timeLimit(.minutes(5)))
struct PodNetworkTests {
    /// What a host has of pods: links, leases, rules and namespaces.
    private static let traces = """
        ip -o link | grep -v ': lo:' || :; iptables-save | grep -e 'id: ' -e rkt || :
        nft list tables 2>/dev/null | grep rkt- || :
        find /var/lib/cni /run/netns -type f 2>/dev/null | grep -v -e last_reserved -e /lock || :
        """

    private func traces(_ fixture: PodFixture) async throws -> [String] {
        try await fixture.onNetwork(Self.traces).lines
    }

    @Test func aPodIsOnTheNetworkThatItIsGiven() async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            let pod = try await fixture.run(["--net=default"] + PodFixture.busybox("exec sleep 100000"))
            let network = try #require(try await pod.status()["networks"])
            #expect(network.hasPrefix("default:ip4=172.16.28."))
            let address = String(network.dropFirst("default:ip4=".count))
            #expect(try await pod.shell("ip -o -4 addr show eth0").contains(" \(address)/"))
            #expect(try await pod.shell("ip route").contains("default via 172.16.28.1 dev eth0"))
            #expect(try await pod.shell("ping -c 1 -W 5 172.16.28.1 >/dev/null && echo there") == "there")
            let answer = try await fixture.onNetwork("busybox ping -c 1 -W 5 \(address) >/dev/null && echo there")
            #expect(answer.output == "there\n")
            #expect(try await !traces(fixture).isEmpty)
            #expect(try await pod.stop().status == 0)
            #expect(try await traces(fixture) == [])
        }
    }

    @Test func nothingIsLeftOfAPodThatWasKilled() async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            let pod = try await fixture.run(["--net=default"] + PodFixture.busybox("exec sleep 100000"))
            #expect(kill(pod.process.child.pid, SIGKILL) == 0)
            _ = try await pod.process.end()
            #expect(try await !traces(fixture).isEmpty)
            #expect(try await fixture.rkt("gc", "--grace-period=0s").status == 0)
            #expect(try await traces(fixture) == [])
        }
    }

    @Test func aPodWithAVolumeLeavesItsNetwork() async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            let data = fixture.path("data")
            try FileSystem.makeDirectory(data)
            let run = try await fixture.rkt(
                ["run", "--net=default", "--volume=data,kind=host,source=\(data)", "--mount=volume=data,target=/data"]
                    + PodFixture.busybox("ip -o -4 addr show eth0 >/data/address; exit 3"))
            #expect(run.status == 3)
            #expect(try FileSystem.readText(data.appending("address")).contains("inet 172.16.28."))
            #expect(try await traces(fixture) == [])
        }
    }

    @Test func podsOfABridgeReachEachOtherAndTheHostReachesTheirPorts() async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            let directory = fixture.path("configuration").appending("net.d")
            try FileSystem.makeDirectories(directory)
            let network = """
                {"name":"yard","type":"bridge","bridge":"yard0","isGateway":true,"ipMasq":true,"mtu":1400,
                 "ipam":{"type":"host-local","subnet":"10.77.0.0/24","routes":[{"dst":"0.0.0.0/0"}]}}
                """
            try FileSystem.write(network.utf8, to: directory.appending("10-yard.conf"))
            let image = try await fixture.image(
                manifest: TarFixture.manifest(
                    name: "example.com/server",
                    extra: #","labels":[{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],"#
                        + #""app":{"exec":["/bin/sh"],"user":"0","group":"0","#
                        + #""ports":[{"name":"www","protocol":"tcp","port":8080}]}"#))
            let server = try await fixture.run([
                "--net=yard:IP=10.77.0.20", "--port=www:7070", image.string, "--", "-c",
                "while :; do echo served | nc -l -p 8080; done",
            ])
            let client = try await fixture.run(["--net=yard"] + PodFixture.busybox("exec sleep 100000"))
            #expect(try await server.status()["networks"] == "yard:ip4=10.77.0.20")
            #expect(try await client.shell("cat /sys/class/net/eth0/mtu") == "1400")
            func ask(_ place: String) -> String {
                "for i in 1 2 3 4 5 6 7 8 9 10; do nc -w 5 \(place) </dev/null && break; sleep 0.2; done"
            }
            #expect(try await client.shell(ask("10.77.0.20 8080")) == "served")
            #expect(try await fixture.onNetwork("busybox sh -c '\(ask("127.0.0.1 7070"))'").output == "served\n")
            for pod in [server, client] { #expect(try await pod.stop().status == 0) }
            // The bridge is the network's and stays.
            #expect(try await traces(fixture).allSatisfy { $0.contains("yard0") })
        }
    }
}
