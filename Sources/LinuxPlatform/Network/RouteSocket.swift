// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// A conversation with the kernel about interfaces, addresses, routes and filters (rtnetlink(7)).
///
/// It is about the network namespace that the calling thread was in when the socket was opened, wherever it is used.
package final class RouteSocket {
    private let descriptor: FileDescriptor
    private let patience: Int
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// More than any table has that this project looks at.
    private static let mostMessages = 1 << 17
    /// How often a table is read that changes meanwhile.
    private static let mostDumps = 5

    /// - Parameter patience: milliseconds that the kernel may take for one answer.
    package init(patience: Int = 10_000) throws {
        self.patience = patience
        descriptor = FileDescriptor(rawValue: try check(rkt_netlink_open(), "socket"))
    }

    deinit { try? descriptor.close() }

    // MARK: - Exchange

    /// Has the kernel change something.
    ///
    /// - Parameter what: the change in words, for the error.
    func change(_ what: @autoclosure () -> String, _ request: NetlinkRequest) throws {
        // NLM_F_REQUEST, NLM_F_ACK
        let sequence = try send(request, flags: 0x1 | 0x4)
        let deadline = Clock.milliseconds + patience
        while true {
            for message in try receive(deadline) where message.sequence == sequence {
                guard let failure = message.failure else { continue }
                if let error = failure.error(what()) { throw error }
                return
            }
        }
    }

    /// Reads a table.
    ///
    /// - Parameter what: the table in words, for the error.
    /// - Returns: the messages of one type, each without its header.
    func dump(_ what: String, _ request: NetlinkRequest, answers type: UInt16) throws -> [ArraySlice<UInt8>] {
        for _ in 0..<Self.mostDumps {
            if let messages = try dumpOnce(what, request, answers: type) { return messages }
        }
        throw RuntimeError(.busy, "\(what): it changes all the time")
    }

    /// - Returns: nil when the table changed while it was read.
    private func dumpOnce(
        _ what: String, _ request: NetlinkRequest, answers type: UInt16
    ) throws -> [ArraySlice<UInt8>]? {
        // NLM_F_REQUEST, NLM_F_DUMP
        let sequence = try send(request, flags: 0x1 | 0x300)
        let deadline = Clock.milliseconds + patience
        var messages: [ArraySlice<UInt8>] = []
        var wasInterrupted = false
        while true {
            for message in try receive(deadline) where message.sequence == sequence {
                // NLM_F_DUMP_INTR
                if message.flags & 0x10 != 0 { wasInterrupted = true }
                if let failure = message.failure {
                    if let error = failure.error(what) { throw error }
                    return wasInterrupted ? nil : messages
                }
                guard message.type == type else { continue }
                guard messages.count < Self.mostMessages else {
                    throw RuntimeError(.unsupported, "\(what): there are more than \(Self.mostMessages)")
                }
                messages.append(message.payload)
            }
        }
    }

    private func send(_ request: NetlinkRequest, flags: UInt16) throws -> UInt32 {
        sequence &+= 1
        let bytes = request.encoded(sequence: sequence, flags: flags)
        // SAFETY: the pointer is used only while the array is borrowed.
        let sent = try bytes.withUnsafeBytes {
            try check(rkt_send(descriptor.rawValue, $0.baseAddress, $0.count), "send")
        }
        guard sent == bytes.count else { throw RuntimeError(.internal, "a netlink message was cut off") }
        return sequence
    }

    /// The messages of the next datagram. The socket is connected, so that all of them are the kernel's.
    private func receive(_ deadline: Int) throws -> [NetlinkAnswer] {
        while true {
            let left = deadline - Clock.milliseconds
            guard left > 0 else { throw RuntimeError(.timeout, "the kernel does not answer a netlink message") }
            guard try !Poll.wait([(descriptor, .read)], timeout: left).isEmpty else { continue }
            // SAFETY: the buffer outlives the call and its size is passed. With MSG_TRUNC the result is the whole length.
            let count = buffer.withUnsafeMutableBytes {
                recv(descriptor.rawValue, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT | MSG_TRUNC))
            }
            if count < 0 {
                if lastErrno == .interrupted || lastErrno == .wouldBlock { continue }
                throw RuntimeError.systemCall("recv", nil, lastErrno)
            }
            guard count <= buffer.count else { throw RuntimeError(.internal, "a netlink answer is too long") }
            return NetlinkAnswer.parse(Array(buffer[..<count]))
        }
    }
}
