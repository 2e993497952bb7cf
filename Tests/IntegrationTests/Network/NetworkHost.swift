// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// A host with a network of its own, what it is connected to, and its pods. Everyone there can run `network-peer`, which
/// tells who is asking.
struct NetworkHost {
    let fixture: PodFixture
    /// The program for the host and its neighbours.
    private var peer: FilePath { fixture.path("network-peer") }
    private var image: FilePath { fixture.path("peer.aci") }

    /// Where pods listen, for both transports.
    static let podPort = 8080
    /// Where everyone else listens.
    static let port = 7000
    /// Questions that are to be answered are asked for as many seconds.
    static let patience = 40

    /// Runs a test's body with a host whose pods are joined in some way.
    static func with(
        _ joint: Joint = .standard, isolation: isolated (any Actor)? = #isolation,
        _ body: (NetworkHost) async throws -> Void
    ) async throws {
        try await PodFixture.with { fixture in
            try await fixture.leaveNetwork()
            try joint.configure(fixture)
            let host = NetworkHost(fixture: fixture)
            try await host.makeImage()
            try await body(host)
            let traces = try await host.traces()
            #expect(traces == [], "pods have left something")
        }
    }

    private func makeImage(isolation: isolated (any Actor)? = #isolation) async throws {
        try await fixture.require("/usr/bin/strip", ["-o", peer.string, BuildProducts.networkPeer.string])
        let tree = fixture.path("peer")
        try FileSystem.makeDirectory(tree)
        try await fixture.require("/bin/tar", ["-xpf", BuildProducts.image("busybox").string, "-C", tree.string])
        try await fixture.require("/bin/cp", [peer.string, "\(tree)/rootfs/bin/network-peer"])
        let manifest = """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/peer","labels":[
             {"name":"version","value":"1"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],
             "app":{"exec":["/bin/network-peer","serve","\(Self.podPort)"],"user":"0","group":"0","ports":[
              {"name":"stream","protocol":"tcp","port":\(Self.podPort)},
              {"name":"message","protocol":"udp","port":\(Self.podPort)}]}}
            """
        try FileSystem.write(manifest.utf8, to: tree.appending("manifest"))
        try await fixture.require("/bin/tar", ["-cf", image.string, "-C", tree.string, "manifest", "rootfs"])
    }

    // MARK: - Networks and pods

    /// Configures a network.
    func configure(_ file: String, _ text: String) throws {
        let directory = fixture.path("configuration").appending("net.d")
        try FileSystem.makeDirectories(directory)
        try FileSystem.write(text.utf8, to: directory.appending(file))
    }

    /// The arguments of a pod that tells its name to whoever asks.
    func arguments(_ name: String, _ options: [String], _ flags: [String] = []) -> [String] {
        options + [image.string] + flags + ["--", name]
    }

    /// Starts such a pod.
    func pod(
        _ name: String, _ options: [String], _ flags: [String] = [], isolation: isolated (any Actor)? = #isolation
    ) async throws -> NetworkedPod {
        NetworkedPod(pod: try await fixture.run(arguments(name, options, flags)), host: self)
    }

    // MARK: - The host and its neighbours

    /// Runs a script of the host that has to succeed and returns what it has written, without the last newline.
    @discardableResult
    func run(_ script: String, isolation: isolated (any Actor)? = #isolation) async throws -> String {
        let outcome = try await fixture.onNetwork(script)
        guard outcome.status == 0 else { throw FixtureError("\(script): \(outcome.output)\(outcome.error)") }
        return outcome.output.withoutNewline
    }

    /// Connects the host with somebody who knows of nothing behind it.
    ///
    /// - Parameters:
    ///   - name: of the neighbour's namespace, and what it answers.
    ///   - interface: the host's.
    ///   - addresses: the host's and the neighbour's, in pairs; the host may have none.
    func connect(
        _ name: String, by interface: String, _ addresses: [(host: String?, neighbour: String)],
        isolation: isolated (any Actor)? = #isolation
    ) async throws {
        var lines = [
            "ip netns add \(name)", "ip link add \(interface) type veth peer name \(interface)-far netns \(name)",
            "ip link set \(interface) up", "ip -n \(name) link set lo up", "ip -n \(name) link set \(interface)-far up",
        ]
        for pair in addresses {
            func flag(_ address: String) -> String { address.contains(":") ? "nodad" : "" }
            if let address = pair.host { lines.append("ip addr add \(address) dev \(interface) \(flag(address))") }
            lines.append("ip -n \(name) addr add \(pair.neighbour) dev \(interface)-far \(flag(pair.neighbour))")
        }
        try await run(lines.joined(separator: "\n"))
        try await serve(name, in: name)
    }

    /// Makes the host or a neighbour answer with a name.
    func serve(
        _ name: String, in namespace: String? = nil, isolation: isolated (any Actor)? = #isolation
    ) async throws {
        let server = try fixture.startOnNetwork(prefix(namespace) + "\(peer) serve \(Self.port) \(name)")
        try await eventually("a server on \(name)", within: .seconds(30)) {
            guard server.isRunning else { throw FixtureError("there is no server on \(name): \(server.error)") }
            return server.output.contains("serving")
        }
    }

    /// Asks from the host or a neighbour.
    ///
    /// - Returns: the answer, `NAME ADDRESS`; nil when there is none.
    func ask(
        _ transport: Transport, _ address: String, _ port: Int = NetworkHost.podPort, from namespace: String? = nil,
        seconds: Int = NetworkHost.patience, isolation: isolated (any Actor)? = #isolation
    ) async throws -> String? {
        try await fixture.onNetwork(prefix(namespace) + "\(peer) ask \(transport) \(address) \(port) \(seconds)").answer
    }

    private func prefix(_ namespace: String?) -> String { namespace.map { "exec ip netns exec \($0) " } ?? "exec " }

    // MARK: - Traces

    /// What a host has of pods: links as plugins name them, leases, rules and namespaces. Bridges are the networks', and
    /// chains that all pods share a plugin's; they stay.
    func traces(isolation: isolated (any Actor)? = #isolation) async throws -> [String] {
        try await fixture.onNetwork(
            """
            ip -br link show type veth | grep ^veth || :
            for kind in macvlan macvtap tun; do ip -br link show type $kind; done
            for save in iptables-save ip6tables-save; do
                $save 2>/dev/null | grep -e 'id: ' -e rkt -e RKT -e :CNI-DN- -e ':CNI-[0-9a-f]' || :
            done
            nft list tables 2>/dev/null | grep rkt- || :
            find /var/lib/cni /run/netns/cni-* -type f 2>/dev/null | grep -v -e last_reserved -e /lock || :
            """
        ).lines
    }
}

/// A pod of a `NetworkHost`.
struct NetworkedPod {
    let pod: RunningPod
    let host: NetworkHost

    /// Asks from within the pod.
    ///
    /// - Returns: the answer, `NAME ADDRESS`; nil when there is none.
    func ask(
        _ transport: Transport, _ address: String, _ port: Int = NetworkHost.port,
        seconds: Int = NetworkHost.patience, isolation: isolated (any Actor)? = #isolation
    ) async throws -> String? {
        try await pod.enter(["/bin/network-peer", "ask", "\(transport)", address, "\(port)", "\(seconds)"]).answer
    }

    func shell(_ script: String, isolation: isolated (any Actor)? = #isolation) async throws -> String {
        try await pod.shell(script)
    }

    /// The names, hardware addresses and MTUs of its interfaces.
    func interfaces(isolation: isolated (any Actor)? = #isolation) async throws -> [String] {
        try await shell("cd /sys/class/net && for i in *; do echo $i $(cat $i/address) $(cat $i/mtu); done")
            .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("lo ") }
    }

    /// The hardware address of an interface in the pod's namespace on the host, which must have no address there unless the
    /// pod itself is there.
    func hardwareAddress(
        of interface: String, isolation: isolated (any Actor)? = #isolation
    ) async throws -> String {
        let namespace = "cni-\(pod.uuid)"
        if TestedStage1.has(.ownKernel) {
            #expect(try await host.run("ip -n \(namespace) -o addr show dev \(interface)") == "")
        }
        let words = try await host.run("ip -n \(namespace) -br link show dev \(interface)").split(separator: " ")
        return words.count > 2 ? String(words[2]) : ""
    }

    /// What `status` says of its networks: `NAME:ip4=ADDRESS` each.
    func networks(isolation: isolated (any Actor)? = #isolation) async throws -> [String] {
        try await pod.status()["networks"]?.split(separator: ",").map(String.init) ?? []
    }

    /// Its address on a network.
    func address(on network: String, isolation: isolated (any Actor)? = #isolation) async throws -> String {
        let prefix = "\(network):ip4="
        let networks = try await networks()
        guard let found = networks.first(where: { $0.hasPrefix(prefix) }) else {
            throw FixtureError("the pod is not on the network \(network): \(networks)")
        }
        return String(found.dropFirst(prefix.count))
    }

    /// Ends the pod, which must not complain.
    func stop(isolation: isolated (any Actor)? = #isolation) async throws {
        let end = try await pod.stop()
        #expect(end.status == 0)
        #expect(end.complaints == [])
    }
}

extension HostProcess.Outcome {
    /// What `network-peer ask` has been told.
    fileprivate var answer: String? {
        get throws {
            switch status {
            case 0: output.withoutNewline
            case 1 where error.contains("no answer"): nil
            default: throw FixtureError("network-peer ended with \(status): \(output)\(error)")
            }
        }
    }
}

extension String {
    fileprivate var withoutNewline: String { last == "\n" ? String(dropLast()) : self }
}
