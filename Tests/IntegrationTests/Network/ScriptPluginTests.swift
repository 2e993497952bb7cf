// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Plugins that know nothing of virtual machines.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownNetwork), .requiresNetworkPlugins, .podLogs,
    .timeLimit(.minutes(5)))
struct ScriptPluginTests {
    /// What an administrator writes who wants more than the plugin bridge has: a route and a name server.
    private static let plugin = """
        #!/bin/sh
        delegate=$(IFS=:; for place in $CNI_PATH; do [ -x "$place/bridge" ] && echo "$place/bridge" && break; done)
        result=$(sed 's/"type": *"garden"/"type": "bridge"/' | "$delegate") || { echo "$result"; exit 1; }
        if [ "$CNI_COMMAND" = ADD ]; then
            nsenter --net="$CNI_NETNS" ip route add 203.0.113.0/24 via 10.79.0.1 dev "$CNI_IFNAME" || exit 1
            result=$(echo "$result" | tr -d '\\n' | sed \\
                -e 's|}$|,"routes":[{"dst":"203.0.113.0/24","gw":"10.79.0.1"}]}|' \\
                -e 's|"dns": *{}|"dns":{"nameservers":["10.79.0.53"],"search":["garden.example"]}|')
        fi
        echo "$result"
        """

    @Test(arguments: Joint.allCases) func aScriptThatDelegatesToBridgeWorksUnchanged(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            try await host.serve("host")
            try await host.run("ip addr add 203.0.113.1/32 dev lo")
            let local = host.fixture.path("local")
            try FileSystem.makeDirectories(local.appending("net.d"))
            try FileSystem.write(Self.plugin.utf8, to: local.pushing("net.d/garden"), mode: 0o755)
            let network = """
                {"cniVersion":"0.4.0","name":"garden","type":"garden","bridge":"garden0","isGateway":true,
                 "ipam":{"type":"host-local","subnet":"10.79.0.0/24"}}
                """
            try FileSystem.write(network.utf8, to: local.pushing("net.d/10-garden.conf"))
            let pod = try await host.pod("pod", ["--local-config=\(local)", "--net=garden"])
            #expect(try await pod.networks() == ["garden:ip4=10.79.0.2"])
            #expect(try await pod.interfaces() == ["eth0 \(try await pod.hardwareAddress(of: "eth0")) 1500"])
            let routes = try await pod.shell("ip route").split(separator: "\n")
            #expect(routes.contains { $0.hasPrefix("203.0.113.0/24 via 10.79.0.1 dev eth0") })
            #expect(!routes.contains { $0.hasPrefix("default") })
            #expect(
                try await pod.shell("cat /etc/resolv.conf") == "search garden.example\nnameserver 10.79.0.53")
            #expect(try await pod.ask(.tcp, "203.0.113.1") == "host 10.79.0.2")
            #expect(try await host.ask(.udp, "10.79.0.2") == "pod 10.79.0.1")
            try await pod.stop()
        }
    }
}
