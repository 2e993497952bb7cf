// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import LinuxPlatform
import MetadataRegistration
import SystemPackage
import TestSupport
import Testing

/// The program over its sockets, with `rkt`'s client on one of them.
@Suite(.serialized) struct ServiceProgramTests {
    /// A service whose UNIX socket is in the scratch directory, passed as systemd passes sockets.
    private final class Service {
        let scratch: ScratchDirectory
        let process: HostProcess
        let socket: FilePath
        private let descriptor: FileDescriptor

        init(in scratch: ScratchDirectory, _ arguments: [String] = ["--listen-port=0"]) throws {
            self.scratch = scratch
            socket = scratch.appending("register")
            try? FileSystem.remove(socket)
            descriptor = try UnixSocket.listen(socket)
            // The shell has descriptor 3, and becomes the program.
            let script = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\""
            process = try HostProcess(
                "/bin/sh", ["-c", script, "sh", BuildProducts.metadataService.string] + arguments,
                environment: ["RUNTIME_DIRECTORY": scratch.appending("state").string],
                input: .descriptor(descriptor), log: scratch.appending("service"))
        }

        var client: RegistrationClient { RegistrationClient(socket: socket, attempts: 1, patience: 20_000) }

        func port() async throws -> Int {
            let mark = "metadata-service: listening on port "
            try await eventually("a service that listens") {
                process.error.contains(mark) && process.error.hasSuffix("\n")
            }
            let text = process.error.split(separator: "\n").first { $0.hasPrefix(mark) }?.dropFirst(mark.count) ?? ""
            return try #require(Int(text))
        }

        func end() async throws -> HostProcess.Outcome {
            try process.signal(SIGTERM)
            return try await process.end(within: .seconds(30))
        }

        deinit {
            process.kill()
            try? descriptor.close()
        }
    }

    private let uuid: PodUUID
    private let loopback: IPAddress

    init() throws {
        uuid = try PodUUID(parsing: ServiceFixture.uuid)
        loopback = try #require(IPAddress("127.0.0.1"))
    }

    /// Sends bytes to a port of this host and returns what comes back until the end, nil when it is a reset.
    private func exchange(_ port: Int, _ request: String) throws -> String? {
        let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        guard SocketAddress.with(loopback, port: port, { connect(socket, $0, $1) }) == 0 else { return nil }
        let descriptor = FileDescriptor(rawValue: socket)
        let bytes = Array(request.utf8)
        _ = bytes.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            guard try !Poll.wait([(descriptor, .read)], timeout: 60_000).isEmpty else {
                throw TimedOut("an answer", .seconds(60))
            }
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count >= 0 else { return nil }
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer.append(contentsOf: buffer[..<count])
        }
    }

    private func get(_ port: Int, _ path: String) throws -> String? {
        try exchange(port, "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    }

    private func register(_ service: Service, _ uuid: PodUUID, token: String) throws -> Int {
        try service.client.register(
            uuid, token: token, addresses: [loopback], manifest: Array(ServiceFixture.manifest().utf8))
    }

    @Test func aPodIsRegisteredAnsweredAndForgotten() async throws {
        let service = try Service(in: ScratchDirectory())
        let port = try await service.port()
        // Nobody is registered: the connection is closed unread.
        #expect((try get(port, "/x") ?? "").isEmpty)
        #expect(try register(service, uuid, token: ServiceFixture.token) == port)
        try service.client.register(uuid, app: "web", image: Array(ServiceFixture.image.utf8))
        let answer = try #require(try get(port, ServiceFixture.base + "/apps/web/annotations/color"))
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(answer.hasSuffix("\r\n\r\nblue"))
        #expect(answer.contains("\r\nContent-Type: text/plain; charset=us-ascii\r\n"))
        let manifest = try #require(try get(port, ServiceFixture.base + "/pod/manifest"))
        #expect(manifest.contains("\r\nContent-Type: application/json\r\n"))
        #expect(manifest.hasSuffix(ServiceFixture.manifest()))
        #expect(try get(port, "/none/acMetadata/v1/pod/uuid")?.hasPrefix("HTTP/1.1 401 ") == true)
        #expect(try service.client.unregister(uuid))
        #expect(try service.client.unregister(uuid))
        #expect((try get(port, ServiceFixture.base + "/pod/uuid") ?? "").isEmpty)
        let outcome = try await service.end()
        #expect(outcome.status == 0)
        // The socket is the one that was passed.
        #expect(FileSystem.exists(service.socket))
    }

    @Test func refusalsHaveTheirReason() async throws {
        let service = try Service(in: ScratchDirectory())
        _ = try await service.port()
        let error = #expect(throws: RuntimeError.self) {
            try service.client.register(uuid, app: "web", image: Array(ServiceFixture.image.utf8))
        }
        #expect(
            error?.message == "the metadata service does not take app \"web\" of pod \"\(uuid)\": "
                + "pod \(uuid) is not registered (status 404)")
        let large = [UInt8](repeating: 0x20, count: 5 << 20)
        let tooLarge = #expect(throws: RuntimeError.self) {
            try service.client.register(uuid, token: ServiceFixture.token, addresses: [loopback], manifest: large)
        }
        #expect(tooLarge?.description.contains("status 413") == true)
    }

    /// A body in parts, two requests on one connection, and an end of the client's side.
    @Test func formsComeInAnyParts() async throws {
        let service = try Service(in: ScratchDirectory())
        let port = try await service.port()
        _ = try register(service, uuid, token: ServiceFixture.token)
        let path = "\(ServiceFixture.base)/pod/hmac/sign"
        let form = "content=" + String(repeating: "a", count: 100_000)
        let head = "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        let request = head + "Content-Length: \(form.utf8.count)\r\n\r\n" + form
        let both = try #require(
            try exchange(port, request + "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
        #expect(both.components(of: "HTTP/1.1 ") == ["200", "401"])
        let chunked = try exchange(
            port, head + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ncontent=a\r\n0\r\n\r\n")
        #expect(chunked?.hasPrefix("HTTP/1.1 411 ") == true)
    }

    @Test(arguments: ["\r\n\r\n", "NONSENSE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /%00\u{1} HTTP/1.1\r\n\r\n"])
    func whatIsNoRequestDoesNoHarm(text: String) async throws {
        let service = try Service(in: ScratchDirectory())
        let port = try await service.port()
        _ = try register(service, uuid, token: ServiceFixture.token)
        if let answer = try exchange(port, text), !answer.isEmpty { #expect(answer.hasPrefix("HTTP/1.1 400 ")) }
        let long = "GET /" + String(repeating: "a", count: 2 << 20)
        if let answer = try exchange(port, long), !answer.isEmpty { #expect(answer.hasPrefix("HTTP/1.1 400 ")) }
        #expect(try get(port, ServiceFixture.base + "/pod/uuid")?.hasSuffix(ServiceFixture.uuid) == true)
    }

    @Test func anAddressHasThirtyTwoConnections() async throws {
        let service = try Service(in: ScratchDirectory())
        let port = try await service.port()
        _ = try register(service, uuid, token: ServiceFixture.token)
        var open: [CInt] = []
        defer { for socket in open { close(socket) } }
        let request = Array("GET \(ServiceFixture.base)/pod/uuid HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        for _ in 0..<32 {
            let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            open.append(socket)
            #expect(SocketAddress.with(loopback, port: port) { connect(socket, $0, $1) } == 0)
            // It is counted when it is answered.
            #expect(request.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, 0) } == request.count)
            var byte: UInt8 = 0
            #expect(recv(socket, &byte, 1, 0) == 1)
        }
        #expect((try get(port, ServiceFixture.base + "/pod/uuid") ?? "").isEmpty)
        close(open.removeLast())
        try await eventually("a connection in place of one that has ended") {
            try get(port, ServiceFixture.base + "/pod/uuid")?.hasSuffix(ServiceFixture.uuid) == true
        }
    }

    @Test func anotherStartKnowsThePod() async throws {
        let scratch = try ScratchDirectory()
        let first = try Service(in: scratch)
        let port = try await first.port()
        _ = try register(first, uuid, token: ServiceFixture.token)
        first.process.kill()
        let second = try Service(in: scratch, ["--listen-port=\(port)"])
        #expect(try await second.port() == port)
        #expect(try get(port, ServiceFixture.base + "/pod/uuid")?.hasSuffix(ServiceFixture.uuid) == true)
    }

    @Test(arguments: ["--listen-port=65536", "--listen-port=", "--port=1", "x"])
    func argumentsAreChecked(argument: String) async throws {
        let service = try Service(in: ScratchDirectory(), [argument])
        let outcome = try await service.process.end(within: .seconds(30))
        #expect(outcome.status == 254)
        #expect(outcome.error.contains("a port from 0 to 65535"))
    }

    // MARK: - Without a service

    @Test func withoutAServiceWhatItWouldReadIsRemoved() throws {
        let scratch = try ScratchDirectory()
        let (file, kept) = (scratch.appending("metadata"), scratch.appending("\(uuid).pod"))
        try PodMetadata(url: "http://172.16.28.1:18112/\(ServiceFixture.token)").write(to: file)
        try FileSystem.write([], to: kept)
        #expect(try FileSystem.status(file).mode & 0o777 == 0o600)
        let client = RegistrationClient(socket: scratch.appending("none"), attempts: 3, pause: 60_000)
        try PodMetadata.unregister(uuid, file, client: client, kept: scratch.path)
        #expect(!FileSystem.exists(file))
        #expect(!FileSystem.exists(kept))
        let error = #expect(throws: RuntimeError.self) { try client.checkPresence() }
        #expect(error?.message.contains("systemctl start rkt-metadata.socket, or rkt metadata-service") == true)
    }

    @Test func aServiceThatSaysNothingIsGivenUp() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("register")
        let socket = try UnixSocket.listen(path)
        defer { try? socket.close() }
        let client = RegistrationClient(socket: path, attempts: 2, pause: 1, patience: 50)
        let error = #expect(throws: RuntimeError.self) {
            try client.register(uuid, token: ServiceFixture.token, addresses: [loopback], manifest: [])
        }
        #expect(error?.description.contains("does not answer within 50 ms") == true)
    }

    @Test func aServiceThatSaysNothingIsTriedOnceForTheNextPods() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("register")
        let socket = try UnixSocket.listen(path)
        defer { try? socket.close() }
        try UnixSocket.setNonBlocking(socket)
        /// How often the service has been asked.
        func attempts() throws -> Int {
            var count = 0
            while let (connection, _) = try UnixSocket.accept(socket) {
                try connection.close()
                count += 1
            }
            return count
        }
        var client = RegistrationClient(socket: path, attempts: 3, pause: 1, patience: 50)
        client.hurry(after: RuntimeError(.notFound, "something else"))
        let error = try #require(throws: RuntimeError.self) { try client.unregister(uuid) }
        #expect(error.code == .timeout)
        #expect(try attempts() == 3)
        client.hurry(after: error)
        #expect(throws: RuntimeError.self) { try client.unregister(uuid) }
        #expect(try attempts() == 1)
    }

    /// Connections that were given up still wait to be taken, until there is no room for another one.
    @Test func aServiceThatHangsIsGivenUpHoweverManyWaitForIt() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("register")
        let socket = try UnixSocket.listen(path)
        defer { try? socket.close() }
        // Room for one.
        #expect(listen(socket.rawValue, 0) == 0)
        let client = RegistrationClient(socket: path, attempts: 3, pause: 1, patience: 50)
        let error = try #require(throws: RuntimeError.self) { try client.unregister(uuid) }
        #expect(error.code == .timeout)
        // It is there, so what it keeps is its own.
        let (file, kept) = (scratch.appending("metadata"), scratch.appending("\(uuid).pod"))
        try PodMetadata().write(to: file)
        try FileSystem.write([], to: kept)
        #expect(throws: RuntimeError.self) {
            try PodMetadata.unregister(uuid, file, client: client, kept: scratch.path)
        }
        #expect(FileSystem.exists(file) && FileSystem.exists(kept))
    }

    @Test(arguments: ["", "x", "{\"url\": \"https://a/b\"}", "{\"url\": \"http://a b\"}", "[]"])
    func filesOfPodsAreChecked(text: String) throws {
        let scratch = try ScratchDirectory()
        let file = scratch.appending("metadata")
        try FileSystem.write(text.utf8, to: file)
        #expect(throws: RuntimeError.self) { try PodMetadata(reading: file) }
    }

    @Test func filesOfPodsAreReadAsTheyAreWritten() throws {
        let scratch = try ScratchDirectory()
        let file = scratch.appending("metadata")
        #expect(try PodMetadata(reading: file) == nil)
        try PodMetadata().write(to: file)
        #expect(try PodMetadata(reading: file) == PodMetadata())
        let address = try #require(IPAddress("fd00::1"))
        let url = PodMetadata.url(address, port: 18112, token: "t")
        #expect(url == "http://[fd00::1]:18112/t")
        try PodMetadata(url: url).write(to: file)
        #expect(try PodMetadata(reading: file)?.url == url)
        let tokens = Set((0..<100).map { _ in PodMetadata.token() })
        #expect(tokens.count == 100)
        #expect(tokens.allSatisfy { $0.utf8.count == 32 })
    }
}

extension String {
    /// The words behind each place of a mark.
    fileprivate func components(of mark: String) -> [String] {
        var words: [String] = []
        var rest = self[...]
        while let place = rest.firstRange(of: mark) {
            rest = rest[place.upperBound...]
            words.append(String(rest.prefix { $0 != " " }))
        }
        return words
    }
}
