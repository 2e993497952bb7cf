// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Glibc
import LinuxPlatform
import Stage1
import SystemPackage
import TestSupport
import Testing

/// Sockets that systemd listens on, with this program in systemd's and in the pod's place.
@Suite(.timeLimit(.minutes(5)))
struct SocketForwarderTests {
    private let outside: LoopbackSocket
    private let address: IPAddress

    init() throws {
        outside = try LoopbackSocket.listening()
        address = try #require(IPAddress("127.0.0.1"))
    }

    private func forwarder(to port: Int, patience: Int = 20_000) throws -> SocketForwarder {
        try SocketForwarder(
            [.init(socket: outside.descriptor, hostPort: outside.port, port: port)], to: address, patience: patience)
    }

    @Test func bytesGoBothWaysAndEachEndIsTold() async throws {
        let pod = try LoopbackSocket.listening()
        let number = outside.port
        let forwarder = try forwarder(to: pod.port)
        defer { forwarder.stop() }
        // More than any buffer holds.
        let question = String(repeating: "question ", count: 200_000)
        for _ in 1...3 {
            let client = try LoopbackSocket.connected(to: number)
            let server = try pod.accept()
            defer { for end in [client, server] { end.close() } }
            try server.send("hello ")
            // Not on one of the threads that tests have: this one is held, and all others may be.
            let sent = SignalledThread {
                try client.send(question)
                client.finish()
            }
            let heard = try server.rest()
            try await sent.value()
            try server.send("\(heard.utf8.count)")
            server.finish()
            #expect(try client.rest() == "hello \(question.utf8.count)")
        }
    }

    @Test func manyConnectionsAreServedAtATime() throws {
        let pod = try LoopbackSocket.listening()
        let number = outside.port
        let forwarder = try forwarder(to: pod.port)
        defer { forwarder.stop() }
        var pairs: [(client: LoopbackSocket, server: LoopbackSocket)] = []
        defer { for pair in pairs { for end in [pair.client, pair.server] { end.close() } } }
        for _ in 0..<100 { pairs.append((try LoopbackSocket.connected(to: number), try pod.accept())) }
        for (index, pair) in pairs.enumerated().reversed() {
            try pair.server.send("\(index)")
            pair.server.finish()
            #expect(try pair.client.rest() == "\(index)")
        }
    }

    /// A pod takes a while to start.
    @Test func aConnectionWaitsForAnAppThatDoesNotListenYet() async throws {
        let pod = try LoopbackSocket.listening()
        let port = pod.port
        // Also for a program of another test, which may have a copy.
        #expect(shutdown(pod.descriptor.rawValue, CInt(SHUT_RDWR)) == 0)
        pod.close()
        let number = outside.port
        let forwarder = try forwarder(to: port)
        defer { forwarder.stop() }
        let client = try LoopbackSocket.connected(to: number)
        defer { client.close() }
        try client.send("early")
        client.finish()
        try await Task.sleep(for: .milliseconds(500))
        let late = try LoopbackSocket.listening(on: port)
        defer { late.close() }
        let server = try late.accept()
        defer { server.close() }
        #expect(try server.rest() == "early")
        try server.send("late")
        server.finish()
        #expect(try client.rest() == "late")
    }

    @Test func whenItStopsNobodyListensAndConnectionsEnd() async throws {
        let pod = try LoopbackSocket.listening()
        let number = outside.port
        let forwarder = try forwarder(to: pod.port)
        let client = try LoopbackSocket.connected(to: number)
        let server = try pod.accept()
        defer { for end in [client, server] { end.close() } }
        for _ in 0..<2 { forwarder.stop() }
        #expect(try client.rest() == "")
        #expect(try server.rest() == "")
        try await expectRefusal(number)
    }

    /// A program started by another test of this process keeps a copy of a socket until it is executed.
    private func expectRefusal(_ port: Int) async throws {
        try await eventually("a refusal") {
            do {
                try LoopbackSocket.connected(to: port).close()
                return false
            } catch Errno.connectionRefused {
                return true
            }
        }
    }

    // MARK: - Which socket is for which port

    private func manifest(_ ports: String, exposed: String = "") throws -> PodManifest {
        try PodManifest(
            parsing: Array(
                """
                {"acKind":"PodManifest","acVersion":"0.8.11","ports":[\(exposed)],"apps":[{"name":"app",
                 "image":{"id":"sha512-\(String(repeating: "0", count: 128))"},
                 "app":{"exec":["/x"],"user":"0","group":"0","ports":[\(ports)]}}]}
                """.utf8))
    }

    private func port(_ name: String, _ port: Int, transport: String = "tcp", activated: Bool = true) -> String {
        #"{"name":"\#(name)","protocol":"\#(transport)","port":\#(port),"socketActivated":\#(activated)}"#
    }

    @Test func aSocketIsForThePortThatHasItsNumber() throws {
        let (own, exposed) = (try LoopbackSocket.listening(), try LoopbackSocket.listening())
        defer { for socket in [own, exposed] { socket.close() } }
        let manifest = try manifest(
            [port("a", own.port), port("b", 80), port("c", 81, activated: false)].joined(separator: ","),
            exposed: #"{"name":"b","hostPort":\#(exposed.port)},{"name":"c","hostPort":1}"#)
        let ports = try ActivatedPorts([own.descriptor, exposed.descriptor], manifest)
        #expect(ports.elements.map(\.socket) == [own.descriptor, exposed.descriptor])
        #expect(ports.elements.map(\.hostPort) == [own.port, exposed.port])
        #expect(ports.elements.map(\.port) == [own.port, 80])
        #expect(ports.warnings == [])

        let without = try ActivatedPorts([], manifest)
        #expect(without.elements == [])
    }

    @Test func aSocketThatNoAppHasDeclaredIsToldAndClosed() async throws {
        let (first, second) = (try LoopbackSocket.listening(), try LoopbackSocket.listening())
        let datagrams = try LoopbackSocket.listening(.datagram)
        let (_, other) = try UnixSocket.pair()
        let (numbers, udp) = ([first.port, second.port], datagrams.port)
        let manifest = try manifest(
            [port("a", numbers[0], activated: false), port("b", udp, transport: "udp")].joined(separator: ","),
            exposed: #"{"name":"a","hostPort":\#(numbers[1])}"#)
        let ports = try ActivatedPorts(
            [first.descriptor, second.descriptor, datagrams.descriptor, other], manifest)
        #expect(ports.elements == [])
        #expect(ports.warnings.count == 4)
        for (warning, number) in zip(ports.warnings, numbers) {
            #expect(warning.contains("port \(number), which systemd listens on, does not lead to the pod"))
        }
        #expect(ports.warnings.suffix(2).allSatisfy { $0.contains("is no TCP socket that listens") })
        for number in numbers {
            try await expectRefusal(number)
        }
    }
}
