// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport
import Testing

/// Networks of the type `flannel` on a host that has no plugin of this name.
struct FlannelNetworkTests {
    private let scratch: ScratchDirectory

    init() throws {
        scratch = try ScratchDirectory()
        try FileSystem.makeDirectories(local.appending("net.d"))
    }

    private var local: FilePath { scratch.appending("local") }
    private var subnetFile: FilePath { scratch.appending("subnet.env") }
    private static let subnet = """
        FLANNEL_NETWORK=10.1.0.0/16
        FLANNEL_SUBNET=10.1.17.1/24
        FLANNEL_MTU=1472
        FLANNEL_IPMASQ=true

        """

    /// What joining the network `mesh` means.
    private func resolve(
        _ members: String = "", subnet: String? = subnet, list: Bool = false
    ) throws -> NetworkConfiguration {
        if let subnet { try FileSystem.write(subnet.utf8, to: subnetFile) }
        let plugin = #""type":"flannel","subnetFile":"\#(subnetFile)"\#(members)"#
        let text =
            list
            ? #"{"cniVersion":"0.4.0","name":"mesh","plugins":[{\#(plugin)},{"type":"portmap"}]}"#
            : #"{"cniVersion":"0.3.1","name":"mesh",\#(plugin)}"#
        try FileSystem.write(
            text.utf8, to: local.appending("net.d").appending(list ? "10-mesh.conflist" : "10-mesh.conf"))
        let resolved = try ResolvedNetworks(
            NetworkSelection(parsing: ["mesh:IP=10.1.17.9"]), directories: [local.appending("net.d")],
            localConfiguration: local)
        let file = scratch.appending("networks")
        try resolved.write(to: file)
        #expect(try ResolvedNetworks(reading: file) == resolved)
        #expect(resolved.networks.map(\.arguments) == ["IP=10.1.17.9"])
        return try #require(resolved.networks.first).configuration
    }

    private func message(_ members: String = "", subnet: String? = subnet) -> String {
        let error = #expect(throws: RuntimeError.self) { try resolve(members, subnet: subnet) }
        return error?.description ?? ""
    }

    @Test func aNetworkOfFlannelIsABridgeOnItsSubnet() throws {
        let network = try resolve()
        let document = try JSONValue(parsing: network.document)
        #expect(
            document == [
                "cniVersion": "0.3.1", "name": "mesh", "type": "bridge", "mtu": 1472, "ipMasq": false,
                "isGateway": true,
                "ipam": [
                    "type": "host-local", "subnet": "10.1.17.0/24", "routes": [["dst": "10.1.0.0/16"]],
                ],
            ])
        #expect(network.name == "mesh")
        #expect(network.file == local.appending("net.d").appending("10-mesh.conf"))
        #expect(!network.masquerades)
    }

    @Test func whatTheNetworkSaysItselfIsKept() throws {
        let network = try resolve(
            """
            ,"delegate":{"bridge":"mesh0","MTU":1400,"isDefaultGateway":true,"isGateway":false,"hairpinMode":true},
            "ipam":{"dataDir":"/run/leases","routes":[{"dst":"192.168.0.0/16"},{"dst":"10.1.0.0/16"}]},
            "capabilities":{"portMappings":true}
            """, subnet: Self.subnet.replacing("IPMASQ=true", with: "IPMASQ=false"))
        let plugin = try #require(network.plugins.first)
        #expect(plugin.type == "bridge")
        #expect(plugin.mtu == 1400)
        #expect(plugin.masquerades)
        #expect(plugin.mapsPorts)
        #expect(plugin.ipamType == "host-local")
        #expect(plugin.leaseDirectory == "/run/leases")
        #expect(plugin.object[exact: "bridge"] == "mesh0")
        #expect(plugin.object[exact: "isDefaultGateway"] == true)
        #expect(plugin.object[exact: "isGateway"] == false)
        let routes = plugin.object[exact: "ipam"]?["routes"]?.array?.map { $0["dst"]?.string }
        #expect(routes == ["192.168.0.0/16", "10.1.0.0/16"])
    }

    @Test func aChainKeepsItsOtherPlugins() throws {
        let network = try resolve(#","delegate":{"type":"macvlan","master":"eth7"}"#, list: true)
        #expect(network.form == .list)
        #expect(network.plugins.map(\.type) == ["macvlan", "portmap"])
        #expect(network.plugins[0].parent == "eth7")
        #expect(network.plugins[0].object[exact: "isGateway"] == nil)
        #expect(network.plugins[0].object[exact: "ipam"]?["subnet"] == "10.1.17.0/24")
    }

    @Test func bothFamiliesAreJoined() throws {
        let network = try resolve(
            subnet: """
                # written by flannel
                FLANNEL_NETWORK=10.1.0.0/16,10.2.0.0/16
                FLANNEL_SUBNET=10.1.17.1/24
                FLANNEL_IPV6_NETWORK=fd00:1::/56
                FLANNEL_IPV6_SUBNET=fd00:1:0:17::1/64
                FLANNEL_MTU=1450
                FLANNEL_IPMASQ=true
                FLANNEL_LATER=?
                """)
        let ipam = network.plugins[0].object[exact: "ipam"]
        #expect(ipam?["subnet"] == nil)
        #expect(ipam?["ranges"] == [[["subnet": "10.1.17.0/24"]], [["subnet": "fd00:1:0:17::/64"]]])
        #expect(
            ipam?["routes"]?.array?.compactMap { $0["dst"]?.string }
                == ["10.1.0.0/16", "10.2.0.0/16", "fd00:1::/56"])
    }

    @Test func anInstalledPluginIsUsedAsItIs() throws {
        try FileSystem.write("#!/bin/sh\n".utf8, to: local.appending("net.d").appending("flannel"), mode: 0o755)
        let network = try resolve(subnet: nil)
        #expect(network.plugins.map(\.type) == ["flannel"])
        #expect(network.document == (try FileSystem.read(local.appending("net.d").appending("10-mesh.conf"))))
    }

    @Test func withoutFlannelItIsToldWhatToStart() throws {
        let text = message(subnet: nil)
        #expect(text.contains("network \"mesh\" of flannel"))
        #expect(text.contains("10-mesh.conf"))
        #expect(text.contains("\"\(subnetFile)\" does not exist: start flanneld"))
        // Other networks of the host need no flannel.
        let others = try ResolvedNetworks(
            NetworkSelection(parsing: ["default"]), directories: [local.appending("net.d")], localConfiguration: local)
        #expect(others.networks.map(\.name) == ["default"])
    }

    @Test(
        arguments: [
            ("FLANNEL_SUBNET=10.1.17.1/24", "FLANNEL_SUBNET=10.1.17.1", "line 2: FLANNEL_SUBNET is \"10.1.17.1\""),
            ("FLANNEL_SUBNET=10.1.17.1/24", "FLANNEL_SUBNET=10.1.17.1/31", "line 2: FLANNEL_SUBNET"),
            ("FLANNEL_SUBNET=10.1.17.1/24", "FLANNEL_SUBNET=127.0.0.1/24", "line 2: FLANNEL_SUBNET"),
            ("FLANNEL_SUBNET=10.1.17.1/24", "FLANNEL_SUBNET=fd00::1/64", "line 2: FLANNEL_SUBNET"),
            ("FLANNEL_SUBNET=10.1.17.1/24", "FLANNEL_SUBNET=", "line 2: FLANNEL_SUBNET is missing"),
            ("10.1.0.0/16", "10.1.0.0/16,x", "line 1: FLANNEL_NETWORK is \"10.1.0.0/16,x\""),
            ("FLANNEL_MTU=1472", "FLANNEL_MTU=\"1472\"", "line 3: FLANNEL_MTU is \"\"1472\"\""),
            ("FLANNEL_MTU=1472", "FLANNEL_MTU=9", "line 3: FLANNEL_MTU"),
            ("FLANNEL_MTU=1472\n", "", "FLANNEL_MTU is missing"),
            ("FLANNEL_MTU=1472", "FLANNEL_MTU=1472\r", "line 3: FLANNEL_MTU"),
            ("IPMASQ=true", "IPMASQ=yes", "line 4: FLANNEL_IPMASQ is \"yes\", not true or false"),
            ("FLANNEL_MTU=1472", "FLANNEL_SUBNET=10.2.0.1/24", "line 3: \"FLANNEL_SUBNET\" stands in line 2"),
            ("FLANNEL_MTU=1472", "\u{1}\u{7}", "line 3"),
        ])
    func aMistakeOfTheFileIsToldWithItsLine(text: String, replacement: String, expected: String) {
        let text = message(subnet: Self.subnet.replacing(text, with: replacement))
        #expect(text.contains("flannel's file \"\(subnetFile)\""), "\(text)")
        #expect(text.contains(expected), "\(text)")
        #expect(text.contains("restart flanneld"))
        #expect(!text.contains { $0.isNewline || $0 == "\u{1}" })
    }

    @Test func aFileThatIsTooLargeOrNoneIsRefused() throws {
        #expect(message(subnet: String(repeating: "#\n", count: 40 << 10)).contains("larger than"))
        try FileSystem.remove(subnetFile)
        try FileSystem.makeDirectory(subnetFile)
        #expect(message(subnet: nil).contains("is not a file"))
    }

    @Test(
        arguments: [
            (#","delegate":{"name":"x"}"#, "delegate.name: is the network's own"),
            (#","delegate":{"IPAM":{}}"#, "delegate.ipam: is the network's own"),
            (#","delegate":{"type":"flannel"}"#, "delegate.type: flannel cannot delegate to itself"),
            (#","delegate":{"type":"../x"}"#, "delegate.type: \"../x\" is not the name of a plugin"),
            (#","delegate":{"mtu":"a"}"#, "delegate.mtu: expected a whole number"),
            (#","delegate":7"#, "delegate: expected an object"),
            (#","ipam":7"#, "ipam: expected an object"),
            (#","ipam":{"routes":7}"#, "ipam.routes: expected a list"),
            (#","subnetFile":"subnet.env""#, "subnetFile: \"subnet.env\" is not an absolute path"),
        ])
    func aMistakeOfTheNetworkIsToldWithItsPlace(members: String, expected: String) {
        let text = message(members)
        #expect(text.contains("10-mesh.conf"), "\(text)")
        #expect(text.contains(expected), "\(text)")
    }
}
