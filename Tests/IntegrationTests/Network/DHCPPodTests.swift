// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Pods on a bridge with a DHCP server, and the daemon of the plugin `dhcp`.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .requires("busybox"),
    .podLogs,
    .timeLimit(.minutes(5)))
struct DHCPPodTests {
    /// Leases are for an hour, but to be renewed after a few seconds (options 58 and 59 of RFC 2132).
    private static func server(_ leases: FilePath) -> String {
        """
        interface eth0
        start 10.88.0.50
        end 10.88.0.60
        max_leases 11
        lease_file \(leases)
        pidfile \(leases).pid
        option subnet 255.255.255.0
        option router 10.88.0.1
        option dns 10.88.0.53
        option lease 3600
        option 0x3a 00000004
        option 0x3b 00000e00

        """
    }

    private static let wire = """
        ip link add lan0 type bridge; ip link set lan0 up
        ip netns add server; ip link add lan0-server type veth peer name eth0 netns server
        ip link set lan0-server master lan0 up
        ip -n server addr add 10.88.0.1/24 dev eth0; ip -n server link set eth0 up
        """

    @Test func aPodHasAnAddressOfTheLocalNetworkForAsLongAsItRuns() async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            // Which such networks do without, as the daemon would not hear its server.
            try Joint.macvtap.configure(fixture)
            try fixture.configureNetwork(
                "10-lan.conf",
                #"{"cniVersion":"0.4.0","name":"lan","type":"bridge","bridge":"lan0","ipam":{"type":"dhcp"}}"#)
            let arguments = ["--net=lan"] + PodFixture.busybox("exec sleep 100000")

            let refused = try await fixture.rkt(["run"] + arguments)
            #expect(refused.status == 254)
            #expect(refused.error.contains("whose daemon does not run: there is no socket \"/run/cni/dhcp.sock\""))
            #expect(fixture.uuids == [])

            #expect(try await fixture.onNetwork(Self.wire).status == 0)
            let leases = fixture.path("leases")
            try FileSystem.write([], to: leases)
            try FileSystem.write(Self.server(leases).utf8, to: fixture.path("udhcpd.conf"))
            let server = try fixture.startOnNetwork(
                "exec ip netns exec server busybox udhcpd -f \(fixture.path("udhcpd.conf"))")
            let daemon = try fixture.startOnNetwork("exec /usr/lib/cni/dhcp daemon")
            try await fixture.awaitOnNetwork("a daemon", "[ -S /run/cni/dhcp.sock ]")

            let pod = try await fixture.run(arguments)
            let network = try #require(try await pod.status()["networks"])
            #expect(network.hasPrefix("lan:ip4=10.88.0."))
            let list = "ip -n cni-\(pod.uuid) -o link show type $kind | sed s/.*/$kind/"
            let kinds = try await fixture.onNetwork("for kind in tun macvtap; do \(list); done")
            #expect(kinds.output == (TestedStage1.has(.ownKernel) ? "tun\n" : ""))
            let address = String(network.dropFirst("lan:ip4=".count))
            let state = try await pod.shell("ip -o -4 addr show eth0; ip route")
            #expect(state.contains(" \(address)/24 "))
            #expect(state.contains("default via 10.88.0.1 dev eth0"))
            #expect(try await pod.shell("ping -c 1 -W 5 10.88.0.1 >/dev/null && echo there") == "there")
            // Answers of the server reach the daemon although the interface is the machine's.
            try await eventually("two renewals of the lease") {
                daemon.error.split(separator: "\n").filter { $0.contains("lease renewed") }.count >= 2
            }
            #expect(!daemon.error.contains("no DHCP packet received"))

            let held = "kill -USR1 $(cat \(leases).pid) && busybox dumpleases -f \(leases) | grep \(address)"
            #expect(try await fixture.onNetwork(held).output.contains("expired") == false)
            let ended = try await pod.stop()
            #expect(ended.status == 0)
            #expect(!ended.error.contains("networking"))
            try await fixture.awaitOnNetwork("a free address", "(\(held)) | grep -q expired")
            #expect(server.isRunning)
            let left = try await fixture.onNetwork(
                "ip -o link | grep veth || :; find /run/netns -name 'cni-*'")
            #expect(left.output == "")
        }
    }
}
