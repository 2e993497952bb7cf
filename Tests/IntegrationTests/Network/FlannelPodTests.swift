// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import TestSupport
import Testing

/// Pods on a network of flannel, of whose daemon there is only the file.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .podLogs,
    .timeLimit(.minutes(5)))
struct FlannelPodTests {
    @Test func aPodIsOnTheSubnetThatFlannelHasForThisHost() async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            try fixture.configureNetwork("10-mesh.conf", #"{"name":"mesh","type":"flannel"}"#)
            let arguments = ["--net=mesh:IP=10.1.17.20"] + PodFixture.busybox("exec sleep 100000")

            let refused = try await fixture.rkt(["run"] + arguments)
            #expect(refused.status == 254)
            #expect(refused.error.contains("\"/run/flannel/subnet.env\" does not exist: start flanneld"))
            #expect(fixture.uuids == [])

            let subnet = """
                mkdir /run/flannel
                printf 'FLANNEL_NETWORK=10.1.0.0/16\\nFLANNEL_SUBNET=10.1.17.1/24\\nFLANNEL_MTU=1472\\n' \
                    >/run/flannel/subnet.env
                echo FLANNEL_IPMASQ=true >>/run/flannel/subnet.env
                """
            #expect(try await fixture.onNetwork(subnet).status == 0)
            let pod = try await fixture.run(arguments)
            #expect(try await pod.status()["networks"] == "mesh:ip4=10.1.17.20")
            let state = try await pod.shell("ip -o -4 addr show eth0; cat /sys/class/net/eth0/mtu; ip route")
            #expect(state.contains(" 10.1.17.20/24 "))
            #expect(state.contains("\n1472\n"))
            #expect(state.contains("10.1.0.0/16 via 10.1.17.1 dev eth0"))
            #expect(!state.contains("default"))
            #expect(try await pod.shell("ping -c 1 -W 5 10.1.17.1 >/dev/null && echo there") == "there")
            // Flannel does it.
            #expect(try await !fixture.onNetwork("iptables-save -t nat").output.contains("MASQUERADE"))

            // Flannel may have another subnet by the time that the pod leaves, or be gone.
            #expect(try await fixture.onNetwork("rm -r /run/flannel").status == 0)
            let ended = try await pod.stop()
            #expect(ended.status == 0)
            #expect(!ended.error.contains("networking"))
            let left = try await fixture.onNetwork(
                """
                ip -o link | grep -v -e ': lo:' -e ': cni0:' || :
                find /run/netns /var/lib/cni/networks/mesh -type f | grep -v -e last_reserved -e /lock || :
                """)
            #expect(left.output == "")
        }
    }
}
