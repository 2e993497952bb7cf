// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Our end of QEMU's control channel: a non-blocking stream of lines.
package final class QMPChannel {
    /// Bytes; no reply or event that is asked for here comes near it.
    package static let longestLine = 64 << 10

    package let descriptor: FileDescriptor
    /// Whether QEMU has closed its end.
    package private(set) var isClosed = false
    private var buffer: [UInt8] = []

    /// - Parameter descriptor: a non-blocking stream socket; stays the caller's.
    package init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Sends a command without arguments. QEMU reads its commands at once, so they fit the socket's buffer.
    package func send(command: String) throws {
        let bytes = Array("{\"execute\":\"\(command)\"}\n".utf8)
        // SAFETY: the array outlives the call, which reads its length. MSG_NOSIGNAL: a QEMU that has ended is an error here,
        // not a SIGPIPE.
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count == bytes.count else {
            throw RuntimeError(
                .internal, "cannot send \"\(command)\" to qemu",
                cause: count < 0 ? RuntimeError.systemCall("send", nil, lastErrno) : nil)
        }
    }

    /// The messages that have arrived, without waiting. A flood is read in portions: at most a longest line and a bit
    /// per call.
    ///
    /// - Throws: `.invalidArgument` for a line that is too long or no message.
    package func receive() throws -> [QMPMessage] {
        try fill()
        var messages: [QMPMessage] = []
        var start = buffer.startIndex
        while let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
            var line = buffer[start..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if !line.isEmpty { messages.append(try QMPMessage(parsing: line)) }
            start = buffer.index(after: end)
        }
        buffer.removeSubrange(..<start)
        guard buffer.count <= Self.longestLine else {
            throw RuntimeError(
                .invalidArgument, "qemu sent a line of more than \(Self.longestLine) bytes on its control channel")
        }
        return messages
    }

    private func fill() throws {
        var portion = [UInt8](repeating: 0, count: 16 << 10)
        while !isClosed, buffer.count <= Self.longestLine {
            do {
                // SAFETY: the buffer outlives the call, which writes at most its length.
                let count = try portion.withUnsafeMutableBytes { try descriptor.read(into: $0) }
                if count == 0 { isClosed = true }
                buffer += portion[..<count]
            } catch Errno.wouldBlock {
                return
            } catch Errno.connectionReset {
                isClosed = true
            } catch let errno as Errno {
                throw RuntimeError.systemCall("read", nil, errno)
            }
        }
    }
}
