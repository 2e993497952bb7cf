// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import Networking
import SystemPackage
import TestSupport
import Testing

/// What networks must be like to be joined to a machine, which is told before the machine starts.
@Suite(.requiresRoot, .requiresNetworkPlugins, .timeLimit(.minutes(5)))
struct JoinedNetworkTests {
    /// A plugin that makes an Ethernet interface in the namespace, and two addresses and three routes.
    private static let cable = """
        name=${CNI_NETNS##*/}
        [ $CNI_COMMAND = ADD ] || exit 0
        ip -n $name link add $CNI_IFNAME type veth peer name far-$CNI_IFNAME &&
        ip -n $name link set far-$CNI_IFNAME up && ip -n $name link set $CNI_IFNAME up &&
        ip -n $name addr add 10.9.0.2/24 dev $CNI_IFNAME && ip -n $name addr add 10.9.1.2/24 dev $CNI_IFNAME &&
        ip -n $name route add 10.8.${CNI_IFNAME#eth}.0/24 via 10.9.0.1 dev $CNI_IFNAME &&
        echo '{"cniVersion":"0.4.0","ips":[{"address":"10.9.0.2/24"}]}'
        """

    private static func pod(
        _ host: OwnNetwork, _ scripts: ScriptedPlugins, _ networks: [String]
    ) throws -> PodOfTest {
        try PodOfTest(
            in: host.scratch.path, networks.map { "n\($0.count)" }.joined(separator: ","),
            configurations: networks.map { members in
                (
                    "n\(members.count).conf",
                    #"{"cniVersion":"0.4.0","name":"n\#(members.count)","type":"cable"\#(members)}"#
                )
            }, plugins: scripts.plugins)
    }

    /// - Parameter left: what plugins have been asked to do.
    private static func expectRefusal(
        _ pod: PodOfTest, _ host: OwnNetwork, _ text: String, _ scripts: ScriptedPlugins? = nil, left: [String] = [],
        line: Int = #line
    ) throws {
        do {
            _ = try pod.networks.setUp(for: .virtualMachine)
            host.expect(false, "it has joined", line: line)
        } catch let error as RuntimeError {
            host.expect(error.description.contains(text), error.description, line: line)
            host.expect(!error.description.contains("\n"), error.description, line: line)
        }
        host.expect(pod.hasJournal, false, line: line)
        host.expect(FileSystem.exists(pod.namespace), false, line: line)
        if let scripts { host.expect(scripts.runs, left, line: line) }
    }

    @Test func moreThanAMachineTakesIsRefused() {
        let failures = OwnNetwork.run { host in
            let scripts = try ScriptedPlugins()
            try scripts.install("cable", Self.cable)
            var pod = try Self.pod(host, scripts, ["", " ", "  "])
            pod.networks.machine = .init(interfaces: 2)
            try Self.expectRefusal(
                pod, host, "the pod is to join 3 networks, but its machine takes 2 interfaces", scripts)
            pod.networks.machine = .init(addresses: 1)
            try Self.expectRefusal(
                pod, host, "network \"n0\" gives the interface eth0 2 addresses, but a machine's takes 1", scripts,
                left: ["cable ADD", "cable DEL"])
            pod.networks.machine = .init(routes: 2)
            try Self.expectRefusal(
                pod, host, "network \"n0\" gives the interface eth0 3 routes, but a machine's takes 2")
            pod.networks.machine = .init(interfaces: 3, addresses: 2, routes: 3)
            host.expect(try pod.networks.setUp(for: .virtualMachine)?.networks.count, 3)
            host.expect(pod.networks.tearDown().isComplete, "it is left")
        }
        #expect(failures == [])
    }

    private static let street = [
        (
            "10-street.conf",
            """
            {"name":"street","type":"macvlan","master":"road0","mode":"passthru","mtu":1300,
             "ipam":{"type":"host-local","subnet":"10.3.0.0/24"}}
            """
        ),
        (
            "20-wide.conf",
            #"{"name":"wide","type":"macvlan","master":"road0","mtu":1600,"ipam":{"type":"host-local","subnet":"10.4.0.0/24"}}"#
        ),
    ]

    @Test func anInterfaceThatAnotherPodHasForItselfIsRefused() {
        let failures = OwnNetwork.run { host in
            _ = try host.ip("link", "add", "road0", "type", "veth", "peer", "name", "road1")
            let wide = try PodOfTest(in: host.scratch.path, "wide", configurations: Self.street)
            try Self.expectRefusal(
                wide, host, "network \"wide\" cannot be joined to the pod's machine: its mtu 1600 is larger than that")
            let first = try PodOfTest(in: host.scratch.path, "street", configurations: Self.street)
            guard let attached = try first.networks.setUp(for: .virtualMachine) else { throw Errno.invalidArgument }
            let second = try PodOfTest(in: host.scratch.path, "street", configurations: Self.street)
            try Self.expectRefusal(
                second, host,
                "network \"street\" cannot be joined to the pod's machine: the interface \"road0\" is not to be had in mode "
                    + "passthru")
            // The first one has it still, and no address is taken for the others.
            let joined = try first.networks.join(attached, by: .tap)
            host.expect(joined.map(\.guest.name), ["eth0"])
            host.expect(joined.first?.guest.mtu, 1300)
            for interface in joined { try interface.descriptor.close() }
            host.expect(try host.traces().filter { $0.hasPrefix("10.") }, ["10.3.0.2"])
            host.expect(first.networks.tearDown().isComplete, "it is left")

            // The kernel lets go of it a moment later.
            let deadline = Clock.milliseconds + 10_000
            while true {
                do {
                    _ = try second.networks.setUp(for: .virtualMachine)
                    break
                } catch  where Clock.milliseconds < deadline {
                    usleep(20_000)
                }
            }
            host.expect(second.networks.tearDown().isComplete, "it is left")
        }
        #expect(failures == [])
    }

    /// What the namespace has of one kind of interface.
    private static func links(_ kind: String, _ pod: PodOfTest, _ host: OwnNetwork) throws -> Int {
        try host.ipJSON("link", "show", "type", kind, namespace: pod.namespace).count { $0["ifname"] != nil }
    }

    /// The daemon hears answers of a server only where a copy of them reaches the namespace.
    @Test func addressesByDHCPAreForTapsOnly() {
        let failures = OwnNetwork.run { host in
            let scripts = try ScriptedPlugins()
            try scripts.install("cable", Self.cable)
            try scripts.install("dhcp", "exit 0")
            let socket = host.scratch.appending("dhcp.sock")
            let listener = try UnixSocket.listen(socket)
            defer { try? listener.close() }
            let leasing = #","ipam":{"type":"dhcp","daemonSocketPath":"\#(socket)"}"#
            for (members, taps, macvtaps) in [(leasing, 1, 0), ("", 0, 1)] {
                let pod = try Self.pod(host, scripts, [members])
                guard let attached = try pod.networks.setUp(for: .virtualMachine) else { throw Errno.invalidArgument }
                let joined = try pod.networks.join(attached, by: .macvtap)
                host.expect(try Self.links("tun", pod, host), taps)
                host.expect(try Self.links("macvtap", pod, host), macvtaps)
                for interface in joined { try interface.descriptor.close() }
                host.expect(pod.networks.tearDown().isComplete, "it is left")
            }
        }
        #expect(failures == [])
    }

    @Test func anIPVlanIsRefusedByName() {
        let link = NetworkLink(
            index: 2, name: "eth0", hardwareAddress: .random(), mtu: 1500, kind: "ipvlan", isUp: true, hasCarrier: true)
        let error = #expect(throws: RuntimeError.self) { try link.requireHardwareAddress() }
        #expect(error?.code == .unsupported)
        #expect(error?.message.hasPrefix("eth0 is an ipvlan") == true)
        #expect(error?.message.hasSuffix("use macvlan") == true)
        var other = link
        other.kind = "veth"
        #expect(throws: Never.self) { try other.requireHardwareAddress() }
    }
}
