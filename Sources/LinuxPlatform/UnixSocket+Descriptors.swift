// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

extension UnixSocket {
    /// Sends all bytes on a blocking socket, and with the first of them a descriptor (unix(7), SCM_RIGHTS).
    package static func send(
        _ bytes: [UInt8], with descriptor: FileDescriptor? = nil, to socket: FileDescriptor
    ) throws {
        // SAFETY: the pointer is used only while the array is borrowed.
        try bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
                let passed = sent == 0 ? descriptor?.rawValue ?? -1 : -1
                sent += try check(rkt_send_descriptor(socket.rawValue, rest.baseAddress, rest.count, passed), "sendmsg")
            }
        }
    }

    /// Waits for bytes, and takes the descriptor that has come with them.
    ///
    /// - Returns: how many bytes of the buffer are filled, 0 when the other end is closed.
    package static func receive(
        into buffer: inout [UInt8], from socket: FileDescriptor
    ) throws -> (count: Int, descriptor: FileDescriptor?) {
        var passed: CInt = -1
        // SAFETY: the pointer is used only while the array is borrowed.
        let count = try buffer.withUnsafeMutableBytes {
            try check(rkt_receive_descriptor(socket.rawValue, $0.baseAddress, $0.count, &passed), "recvmsg")
        }
        return (count, passed < 0 ? nil : FileDescriptor(rawValue: passed))
    }
}
