// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Pods whose root gives interfaces what is not theirs.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .requires(.ownKernel), .requiresNetworkPlugins, .requires("busybox"),
    .podLogs,
    .timeLimit(.minutes(5)))
struct SourceGuardTests {
    /// A network that the pod is on, and who is there besides.
    private struct Place {
        let interface: String
        /// The pod's, and one that nobody has.
        let own: String, foreign: String
        /// Who is asked and asks.
        let other: String
        /// The other's namespace and interface; nil for the host's.
        let namespace: String?
        let link: String

        var ip: String { namespace.map { "ip -n \($0)" } ?? "ip" }
        var command: String { namespace.map { "ip netns exec \($0) busybox" } ?? "busybox" }
    }

    private static let bridge = Place(
        interface: "eth0", own: "10.77.0.2", foreign: "10.77.0.99", other: "10.77.0.1", namespace: nil, link: "yard0")
    private static let macvlan = Place(
        interface: "eth1", own: "198.51.100.50", foreign: "198.51.100.99", other: "198.51.100.1",
        namespace: "neighbour", link: "road0-far")

    /// Locally administered, and nobody's.
    private static let foreign = "02:00:00:00:00:66"

    @Test(arguments: Joint.allCases) func aPodSpeaksForItselfOnly(joint: Joint) async throws {
        try await NetworkHost.with(joint) { host in
            try await host.connect("neighbour", by: "road0", [(nil, "198.51.100.1/24")])
            try host.configure(
                "10-yard.conf",
                """
                {"name":"yard","type":"bridge","bridge":"yard0","isGateway":true,
                 "ipam":{"type":"host-local","subnet":"10.77.0.0/24"}}
                """)
            try host.configure(
                "20-street.conf",
                """
                {"name":"street","type":"macvlan","master":"road0",
                 "ipam":{"type":"host-local","subnet":"198.51.100.0/24","rangeStart":"198.51.100.50"}}
                """)
            let pod = try await host.pod(
                "pod", ["--net=yard,street"], ["--caps-retain=CAP_NET_ADMIN,CAP_NET_RAW"])
            for place in [Self.bridge, Self.macvlan] {
                try await expectSpeech(pod, place)
                try await useForeignAddress(pod, place)
                try await expectSpeech(pod, place)
                try await useForeignHardwareAddress(pod, place)
                try await expectSpeech(pod, place)
            }
            try await pod.stop()
        }
    }

    private func expectSpeech(_ pod: NetworkedPod, _ place: Place) async throws {
        let reached = try await pod.shell("ping -c 1 -W 20 -I \(place.own) \(place.other) >/dev/null && echo yes")
        #expect(reached == "yes", "\(place.interface)")
        #expect(try await pod.host.ask(.tcp, place.own, from: place.namespace) == "pod \(place.other)")
    }

    /// An address that is added is neither heard nor found, and nobody believes whose it is said to be.
    private func useForeignAddress(_ pod: NetworkedPod, _ place: Place) async throws {
        let host = pod.host
        let heard = try await pod.shell(
            """
            ip addr add \(place.foreign)/24 dev \(place.interface) || exit 1
            ping -c 2 -W 2 -I \(place.foreign) \(place.other) >/dev/null && echo heard
            echo tried
            """)
        #expect(heard == "tried", "\(place.interface)")
        // Whoever knows an address already believes every announcement of it.
        let known = "lladdr 02:00:00:00:00:77"
        try await host.run("\(place.ip) neigh replace \(place.foreign) \(known) dev \(place.link) nud stale")
        let script = """
            arping -U -c 2 -I \(place.interface) \(place.foreign) >/dev/null
            arping -A -c 2 -I \(place.interface) \(place.foreign) >/dev/null
            echo tried
            """
        let outcome = try await pod.shell(script)
        #expect(outcome == "tried", "\(place.interface)")
        #expect(try await host.run("\(place.ip) neigh show \(place.foreign)").contains(known), "\(place.interface)")
        try await host.run("\(place.ip) neigh del \(place.foreign) dev \(place.link)")
        let found = try await host.fixture.onNetwork("\(place.command) ping -c 2 -W 2 \(place.foreign)")
        #expect(found.output.contains("100% packet loss"), "\(place.interface)")
        #expect(
            try await pod.shell("ip addr del \(place.foreign)/24 dev \(place.interface) && echo gone") == "gone")
    }

    private func useForeignHardwareAddress(_ pod: NetworkedPod, _ place: Place) async throws {
        let host = pod.host
        try await host.run("\(place.ip) neigh flush dev \(place.link)")
        let script = """
            cd /sys/class/net/\(place.interface); own=$(cat address)
            ip link set \(place.interface) address \(Self.foreign) || exit 1
            [ $(cat address) = \(Self.foreign) ] || exit 1
            ping -c 2 -W 2 \(place.other) >/dev/null && echo heard
            ip link set \(place.interface) address $own && echo tried
            """
        let outcome = try await pod.shell(script)
        #expect(outcome == "tried", "\(place.interface)")
        #expect(try await !host.run("\(place.ip) neigh show").contains(Self.foreign))
        #expect(try await !host.run("bridge fdb show").contains(Self.foreign))
    }
}
