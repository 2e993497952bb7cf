// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import DomainKeeper
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Frames between a tap, of which a datagram socket does as much as is needed here, and a stream socket as QEMU has it.
struct FrameExchangeTests {
    private let scratch: ScratchDirectory
    private let exchange: FrameExchange
    /// The network's side of the tap.
    private let network: FileDescriptor
    private let tap: FileDescriptor
    private let qemu: FileDescriptor

    private static let header = 10

    init() throws {
        scratch = try ScratchDirectory()
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &ends) == 0)
        network = FileDescriptor(rawValue: ends[0])
        tap = FileDescriptor(rawValue: ends[1])
        let socket = scratch.appending("net0.sock")
        exchange = try FrameExchange(tap: tap, listener: UnixSocket.listen(socket), headerSize: Self.header)
        qemu = try UnixSocket.connect(socket)
        try UnixSocket.setNonBlocking(qemu)
        try UnixSocket.setNonBlocking(network)
        exchange.turn()
    }

    private func close() { for end in [network, tap, qemu] { try? end.close() } }

    private func received(by end: FileDescriptor? = nil) throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 70_000)
        do {
            // SAFETY: the buffer outlives the call, which writes at most its length.
            let count = try buffer.withUnsafeMutableBytes { try (end ?? network).read(into: $0) }
            return Array(buffer[..<count])
        } catch Errno.wouldBlock {
            return nil
        }
    }

    @Test func `a frame of the guest gets a header of zeros`() throws {
        defer { close() }
        try qemu.writeAll(FrameLine.encoded([1, 2, 3]))
        exchange.turn()
        #expect(try received() == [UInt8](repeating: 0, count: Self.header) + [1, 2, 3])
        #expect(!exchange.hasEnded)
    }

    @Test func `frames that come in pieces are put together`() throws {
        defer { close() }
        let line = FrameLine.encoded([UInt8](repeating: 7, count: 1500)) + FrameLine.encoded([8])
        for piece in [line[..<2], line[2..<700], line[700...]] {
            try qemu.writeAll(piece)
            exchange.turn()
        }
        #expect(try received()?.count == Self.header + 1500)
        #expect(try received() == [UInt8](repeating: 0, count: Self.header) + [8])
        #expect(try received() == nil)
    }

    @Test(arguments: [[0xFF, 0xFF, 0xFF, 0xFF], [0, 1, 0x10, 1]] as [[UInt8]])
    func `a stream that is none of frames ends the interface`(prefix: [UInt8]) throws {
        defer { close() }
        try qemu.writeAll(prefix)
        exchange.turn()
        #expect(exchange.hasEnded)
        #expect(exchange.sources.isEmpty)
        #expect(try received() == nil)
    }

    @Test func `the end of QEMU ends the interface`() throws {
        defer { close() }
        #expect(shutdown(qemu.rawValue, Int32(SHUT_RDWR)) == 0)
        exchange.turn()
        #expect(exchange.hasEnded)
    }

    @Test func `frames of the network lose their header and get their length`() throws {
        defer { close() }
        let header = [UInt8](repeating: 9, count: Self.header)
        for frame in [[1, 2, 3], [UInt8](repeating: 4, count: 1514)] { try network.writeAll(header + frame) }
        // One that is shorter than its header is none.
        try network.writeAll([1])
        exchange.turn()
        let expected = FrameLine.encoded([1, 2, 3]) + FrameLine.encoded([UInt8](repeating: 4, count: 1514))
        #expect(try received(by: qemu) == expected)
        #expect(!exchange.hasEnded)
    }

    @Test func `a QEMU that does not read leaves frames in the tap`() throws {
        defer { close() }
        let frame = [UInt8](repeating: 1, count: Self.header + 1500)
        try UnixSocket.setNonBlocking(network)
        for _ in 0..<3000 {
            _ = try? network.writeAll(frame)
            exchange.turn()
        }
        #expect(!exchange.hasEnded)
        #expect(!exchange.sources.contains { $0.0 == tap })
    }

    @Test func `lengths are those of QEMU`() throws {
        defer { close() }
        var line = ArraySlice(FrameLine.encoded([UInt8](repeating: 1, count: 300)))
        #expect(Array(line.prefix(4)) == [0, 0, 1, 44])
        #expect(try FrameLine.next(&line)?.count == 300)
        #expect(line.isEmpty)
        line = [0, 0, 0]
        #expect(try FrameLine.next(&line) == nil)
        line = [0, 0, 0, 2, 1]
        #expect(try FrameLine.next(&line) == nil)
        #expect(line.count == 5)
    }
}
