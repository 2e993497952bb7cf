// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

@Suite(.serialized) struct ListeningSocketTests {
    @Test func aSocketOfAPathIsForItsOwnerOnly() throws {
        let directory = try ScratchDirectory()
        let path = directory.appending("s")
        let socket = try ListeningSocket.unix(path)
        defer { try? socket.descriptor.close() }
        #expect(try FileSystem.status(path).mode & 0o777 == 0o600)
        #expect(socket.place == .unix(path))
        let client = try UnixSocket.connect(path)
        defer { try? client.close() }
        let (connection, uid) = try #require(try UnixSocket.accept(socket.descriptor))
        defer { try? connection.close() }
        #expect(uid == getuid())
        let shared = directory.appending("shared")
        let other = try ListeningSocket.unix(shared, mode: 0o660)
        defer { try? other.descriptor.close() }
        #expect(try FileSystem.status(shared).mode & 0o777 == 0o660)
    }

    @Test func onlyASocketThatNobodyListensOnIsReplaced() throws {
        let directory = try ScratchDirectory()
        let path = directory.appending("s")
        let first = try ListeningSocket.unix(path)
        let busy = #expect(throws: RuntimeError.self) { try ListeningSocket.unix(path) }
        #expect(busy?.code == .busy)
        // A program started by another test of this process keeps a copy of the descriptor until it is executed, and with
        // it a socket that only this closes.
        #expect(shutdown(first.descriptor.rawValue, CInt(SHUT_RDWR)) == 0)
        try first.descriptor.close()
        let second = try ListeningSocket.unix(path)
        try second.descriptor.close()
        second.removePath()
        #expect(!FileSystem.exists(path))
        try FileSystem.makeDirectory(path)
        let other = #expect(throws: RuntimeError.self) { try ListeningSocket.unix(path) }
        #expect(other?.message.contains("it is not a socket") == true)
    }

    @Test func aSocketWhoseListenerHangsIsNotReplaced() throws {
        let directory = try ScratchDirectory()
        let path = directory.appending("s")
        let first = try ListeningSocket.unix(path)
        defer { try? first.descriptor.close() }
        // Room for one connection, which is taken.
        #expect(listen(first.descriptor.rawValue, 0) == 0)
        let waiting = try UnixSocket.connect(path)
        defer { try? waiting.close() }
        let busy = #expect(throws: RuntimeError.self) { try ListeningSocket.unix(path) }
        #expect(busy?.code == .busy)
        #expect(FileSystem.exists(path))
    }

    @Test func aFreePortIsNamedAndASecondListenerIsRefused() throws {
        let loopback = try #require(IPAddress("127.0.0.1"))
        let socket = try ListeningSocket.tcp(loopback, port: 0)
        defer { try? socket.descriptor.close() }
        guard case .tcp(let address, let port) = socket.place else {
            Issue.record("\(socket.place)")
            return
        }
        #expect(address == loopback)
        #expect(port > 0)
        let error = #expect(throws: RuntimeError.self) { try ListeningSocket.tcp(loopback, port: port) }
        #expect(error?.code == .busy)
        #expect(error?.message == "cannot listen on 127.0.0.1:\(port)")
    }

    @Test func allAddressesIncludeThoseOfIPv4() throws {
        let socket = try ListeningSocket.tcpOnAllAddresses(port: 0)
        defer { try? socket.descriptor.close() }
        guard case .tcp(_, let port) = socket.place else {
            Issue.record("\(socket.place)")
            return
        }
        let loopback = try #require(IPAddress("127.0.0.1"))
        let client = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        #expect(SocketAddress.with(loopback, port: port) { connect(client, $0, $1) } == 0)
    }

    /// They are told apart by family, and what does not listen is refused.
    @Test func passedSocketsAreRecognized() throws {
        let directory = try ScratchDirectory()
        let path = directory.appending("s")
        let unix = try ListeningSocket.unix(path)
        defer { try? unix.descriptor.close() }
        let passed = try ListeningSocket.passed(unix.descriptor)
        #expect(passed.place == .unix(path))
        passed.removePath()
        #expect(FileSystem.exists(path))
        let tcp = try ListeningSocket.tcp(try #require(IPAddress("127.0.0.1")), port: 0)
        defer { try? tcp.descriptor.close() }
        #expect(try ListeningSocket.passed(tcp.descriptor).place == tcp.place)
        let (one, two) = try UnixSocket.pair()
        defer {
            try? one.close()
            try? two.close()
        }
        let error = #expect(throws: RuntimeError.self) { try ListeningSocket.passed(one) }
        #expect(error?.message.contains("is no listening UNIX or TCP socket") == true)
    }

    @Test(arguments: [false, true]) func readinessIsTold(abstract: Bool) throws {
        let directory = try ScratchDirectory()
        let path = directory.appending("notify")
        let name = abstract ? "@rkt-test-\(UInt64.random(in: .min ... .max))" : path.string
        let receiver =
            try abstract
            ? Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            : UnixSocket.listen(path, .datagram).rawValue
        defer { close(receiver) }
        if abstract {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = [0] + Array(name.utf8.dropFirst())
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(receiver, $0, socklen_t(2 + bytes.count)) }
            }
            #expect(bound == 0)
        }
        try NotificationSocket.notifyReady(name)
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = recv(receiver, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "READY=1")
    }

    @Test func withoutAServiceManagerNothingHappens() throws {
        try NotificationSocket.notifyReady(nil)
        #expect(throws: RuntimeError.self) { try NotificationSocket.notifyReady("/nonexistent/notify") }
    }
}
