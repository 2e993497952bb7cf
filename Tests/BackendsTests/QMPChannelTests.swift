// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import LinuxPlatform
import SystemPackage
import Testing

struct QMPChannelTests {
    private let ours: FileDescriptor
    private let theirs: FileDescriptor
    private let channel: QMPChannel

    init() throws {
        (ours, theirs) = try UnixSocket.pair()
        try UnixSocket.setNonBlocking(ours)
        channel = QMPChannel(ours)
    }

    @Test func `lines arrive whole, however they were cut`() throws {
        defer { try? ours.close() }
        #expect(try channel.receive() == [])
        try theirs.writeAll(#"{"return": {}}"#.utf8)
        #expect(try channel.receive() == [])
        try theirs.writeAll("\r\n{\"return\": {}}\r\n\r\n{\"ret".utf8)
        #expect(try channel.receive() == [.returned, .returned])
        try theirs.writeAll("urn\": 1}\n".utf8)
        try theirs.close()
        #expect(try channel.receive() == [.returned])
        #expect(channel.isClosed)
        #expect(try channel.receive() == [])
    }

    @Test func `an endless line is refused`() throws {
        defer {
            try? ours.close()
            try? theirs.close()
        }
        let portion = [UInt8](repeating: UInt8(ascii: " "), count: 16 << 10)
        #expect(throws: RuntimeError.self) {
            for _ in 0..<8 {
                try theirs.writeAll(portion)
                _ = try channel.receive()
            }
        }
    }

    @Test func `a command is one line of JSON`() throws {
        defer {
            try? ours.close()
            try? theirs.close()
        }
        try channel.send(command: "cont")
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = try bytes.withUnsafeMutableBytes { try theirs.read(into: $0) }
        #expect(String(decoding: bytes[..<count], as: UTF8.self) == "{\"execute\":\"cont\"}\n")
    }

    @Test func `sending to a closed end is an error, not a signal`() throws {
        defer { try? ours.close() }
        try theirs.close()
        #expect(throws: RuntimeError.self) { try channel.send(command: "cont") }
    }
}
