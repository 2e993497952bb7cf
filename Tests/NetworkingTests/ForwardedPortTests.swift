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

/// Connections through forwarded ports to a server in a pod's namespace.
@Suite(.requiresRoot, .requiresNetworkPlugins, .requires("python3"), .timeLimit(.minutes(5)))
struct ForwardedPortTests {
    enum Way: String, CaseIterable, Sendable {
        case nft, iptables, portmap
    }

    private static let chain = """
        { "cniVersion": "0.4.0", "name": "nat", "plugins": [
          { "type": "bridge", "bridge": "br-test", "ipMasq": true, "isGateway": true, "hairpinMode": true,
            "ipam": { "type": "host-local", "subnet": "10.2.0.0/24", "routes": [ { "dst": "0.0.0.0/0" } ] } },
          { "type": "portmap", "capabilities": { "portMappings": true } } ] }
        """

    private static func port(_ text: String, _ port: Int, count: Int = 1) throws -> ForwardedPort {
        let exposed = try ExposedPort(parsing: text)
        return ForwardedPort(
            exposed: exposed, port: Port(name: exposed.name, protocol: "tcp", port: port, count: count))
    }

    @Test(arguments: Way.allCases) func aPortOfTheHostLeadsToThePod(way: Way) {
        let failures = OwnNetwork.run { host in
            var pod = try PodOfTest(
                in: host.scratch.path, way == .portmap ? "nat" : "default",
                configurations: way == .portmap ? [("10-nat.conflist", Self.chain)] : [])
            if way == .iptables { pod.networks.tools.nft = nil }
            let ports = [
                try Self.port("http:8080", 80), try Self.port("same:81", 81, count: 2),
                try Self.port("local:127.0.0.1:8090", 80),
            ]
            let attached = try pod.networks.setUp(for: .container, ports: ports)
            let gateway = way == .portmap ? "10.2.0.1" : "172.16.28.1"
            let server = try Server(in: pod.namespace, ports: [80, 82])
            defer { server.stop() }
            host.expect(try ask(host, "\(gateway):8080"), "80")
            host.expect(try ask(host, "127.0.0.1:8080"), "80")
            host.expect(try ask(host, "127.0.0.1:82"), "82")
            host.expect(try ask(host, "127.0.0.1:8090"), "80")
            host.expect(try ask(host, "\(gateway):8090"), "nothing")
            // The pod itself, whose answers would otherwise not pass the host.
            if way != .portmap { host.expect(try ask(host, "\(gateway):8080", from: pod.namespace), "80") }

            // Nobody else gets the port while the pod has it.
            let rival = try PodOfTest(in: host.scratch.path)
            do {
                _ = try rival.networks.setUp(for: .container, ports: [Self.port("http:8080", 80)])
                host.expect(false, "two pods have the port 8080")
            } catch let error as RuntimeError {
                host.expect(error.code, .busy)
                host.expect(error.message.contains("port 8080/tcp is in use"), error.message)
            }
            host.expect(rival.hasJournal, false)
            host.expect(try ask(host, "127.0.0.1:8080"), "80")

            withExtendedLifetime(attached) {}
            server.stop()
            try leaveTwice(pod, host)
        }
        #expect(failures == [])
    }

    private static let bridge = """
        { "cniVersion": "1.0.0", "name": "both", "type": "bridge", "bridge": "br-test", "isGateway": true,
          "ipam": { "type": "host-local", "ranges": [[{"subnet": "10.2.0.0/24"}], [{"subnet": "fd00:2::/64"}]] } }
        """

    @Test(arguments: [Way.nft, .iptables]) func bothFamiliesOfAddressesLeadToThePod(way: Way) {
        let failures = OwnNetwork.run { host in
            var pods: [PodOfTest] = []
            for _ in 1...2 {
                var pod = try PodOfTest(in: host.scratch.path, "both", configurations: [("10-both.conf", Self.bridge)])
                if way == .iptables { pod.networks.tools.nft = nil }
                pods.append(pod)
            }
            let attached = try pods[0].networks.setUp(for: .container, ports: [Self.port("http:8080", 80)])
            _ = try pods[1].networks.setUp(for: .container)
            let server = try Server(in: pods[0].namespace, ports: [80])
            defer { server.stop() }
            host.expect(try ask(host, "10.2.0.1:8080"), "80")
            // The plugin does not wait until the kernel is sure that nobody else has the bridge's address.
            let deadline = Clock.milliseconds + 20_000
            while try ask(host, "fd00:2::1:8080") != "80", Clock.milliseconds < deadline { usleep(100_000) }
            host.expect(try ask(host, "fd00:2::1:8080"), "80")
            // A pod beside it on the same bridge.
            host.expect(try ask(host, "10.2.0.1:8080", from: pods[1].namespace), "80")
            host.expect(try ask(host, "fd00:2::1:8080", from: pods[1].namespace), "80")
            withExtendedLifetime(attached) {}
            server.stop()
            host.expect(pods[1].networks.tearDown().isComplete, "the second pod is left")
            try leaveTwice(pods[0], host)
        }
        #expect(failures == [])
    }

    /// The plugin would take the port from whoever has it.
    @Test func aPortInUseIsToldBeforeAPluginForwardsIt() {
        let failures = OwnNetwork.run { host in
            let scripts = try ScriptedPlugins()
            for name in ["bridge", "portmap"] { try scripts.installAnswering(name) }
            let program = PortReservation()
            try program.hold([PortMapping(name: "", transport: .tcp, hostPort: 8080, podPort: 80)], [.v6])
            for (configuration, isRefused) in [
                (Self.chain, false), (Self.chain.replacing("10.2.0.0/24", with: "fd00:2::/64"), true),
                (Self.chain.replacing("host-local", with: "other").replacing("subnet", with: "pool"), true),
            ] {
                let pod = try PodOfTest(
                    in: host.scratch.path, "nat", configurations: [("10-nat.conflist", configuration)],
                    plugins: scripts.plugins)
                let before = scripts.runs.count
                do {
                    _ = try pod.networks.setUp(for: .container, ports: [Self.port("http:8080", 80)])
                    host.expect(isRefused, false)
                    host.expect(pod.networks.tearDown().isComplete, "it is left")
                } catch let error as RuntimeError {
                    host.expect(isRefused, true)
                    host.expect(error.code, .busy)
                    host.expect(error.message.contains("port 8080/tcp is in use"), error.message)
                    host.expect(scripts.runs.count, before)
                }
                host.expect(pod.hasJournal, false)
            }
            host.expect(scripts.runs.filter { $0.hasSuffix("ADD") }, ["bridge ADD", "portmap ADD"])
            withExtendedLifetime(program) {}
        }
        #expect(failures == [])
    }

    /// Rules go with the kernel that has them. While it runs, they are there whether or not the tool is.
    @Test func rulesWhoseToolIsGoneKeepThePodUntilTheHostIsRestarted() {
        let failures = OwnNetwork.run { host in
            for way in [Way.nft, .iptables] {
                var pod = try PodOfTest(in: host.scratch.path)
                if way == .iptables { pod.networks.tools.nft = nil }
                _ = try pod.networks.setUp(for: .container, ports: [Self.port("http:8080", 80)])
                pod.networks.tools.nft = nil
                if way == .iptables { pod.networks.tools.iptables = nil }
                for _ in 1...2 {
                    let report = pod.networks.tearDown()
                    host.expect(report.failures.count, 1)
                    host.expect(
                        report.failures.first?.description.contains("\(way) is gone, which has forwarded ports")
                            == true,
                        "\(report.failures)")
                }
                host.expect(pod.hasJournal, true)
                let boot = pod.networks.boot
                pod.networks.boot = "another"
                let report = pod.networks.tearDown()
                host.expect(report.isComplete, "\(report.failures)")
                host.expect(
                    report.warnings,
                    ["\(way) is gone, whose rules for pod \"\(pod.uuid)\" went when the host was restarted"])
                host.expect(pod.hasJournal, false)
                // Here they have not gone.
                host.expect(try host.traces().contains { $0.contains("\(pod.uuid)") }, "there were none")
                host.expect(boot?.isEmpty, false)
            }
        }
        #expect(failures == [])
    }

    @Test func whatCannotBeForwardedIsTold() {
        let failures = OwnNetwork.run { host in
            let none = try PodOfTest(in: host.scratch.path, "none")
            let attached = try none.networks.setUp(for: .container, ports: [Self.port("http:8080", 80)])
            host.expect(attached?.warnings, ["nothing is forwarded to port \"http\": the pod has no network"])
            try leaveTwice(none, host)

            let family = try PodOfTest(in: host.scratch.path)
            let other = try family.networks.setUp(for: .container, ports: [Self.port("http:[::1]:8080", 80)])
            host.expect(
                other?.warnings,
                ["nothing is forwarded to port \"http\": network \"default\" has no address of that family"])
            try leaveTwice(family, host)
        }
        #expect(failures == [])
    }

    /// Connects, and returns what the server says, or `nothing`.
    ///
    /// - Parameter namespace: where the client is; nil for the host.
    private func ask(_ host: OwnNetwork, _ address: String, from namespace: FilePath? = nil) throws -> String {
        let script = """
            import socket, sys
            name, port = sys.argv[1].rsplit(":", 1)
            try:
                s = socket.create_connection((name, int(port)), 5)
                print(s.recv(100).decode(), end="")
            except OSError:
                print("nothing", end="")
            """
        let place = namespace.map { ["netns", "exec", $0.lastComponent?.string ?? "", "python3"] }
        return try host.run(place == nil ? "python3" : "ip", (place ?? []) + ["-c", script, address])
    }
}

/// Tells everybody who connects which port that was.
private final class Server {
    private let child: ChildProcess
    private var isRunning = true

    /// Returns when it listens.
    init(in namespace: FilePath, ports: [Int]) throws {
        let script = """
            import selectors, socket, sys
            s = selectors.DefaultSelector()
            for port in sys.argv[1:]:
                l = socket.create_server(("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
                s.register(l, selectors.EVENT_READ, port)
            print("ready", flush=True)
            while True:
                for key, _ in s.select():
                    c, _ = key.fileobj.accept()
                    c.sendall(key.data.encode())
                    c.close()
            """
        guard let program = Program.path(of: "ip") else { throw Errno.noSuchFileOrDirectory }
        let ends = try FileDescriptor.pipe()
        defer {
            try? ends.readEnd.close()
            try? ends.writeEnd.close()
        }
        child = try ChildProcess.spawn(
            SpawnRequest(
                path: program,
                arguments: ["ip", "netns", "exec", namespace.lastComponent?.string ?? "", "python3", "-c", script]
                    + ports.map(String.init),
                environment: ["PATH=\(HostProcess.searchPath)"], descriptors: [-1, ends.writeEnd.rawValue, 2],
                parentDeathSignal: SIGKILL))
        guard try !Poll.wait([(ends.readEnd, .read)], timeout: 30_000).isEmpty else {
            throw TimedOut("the start of the server", .seconds(30))
        }
    }

    func stop() {
        guard isRunning else { return }
        isRunning = false
        try? child.signal(SIGKILL)
        _ = try? child.wait()
        child.close()
    }
}
