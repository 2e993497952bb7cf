// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// Where a service manager takes what its services say of themselves (sd_notify(3)).
package struct NotificationSocket {
    /// Milliseconds that a message waits for room: the manager may have much to read.
    private static let patience = 1000

    /// Writable when there is room for a message.
    package let descriptor: FileDescriptor

    /// - Parameter address: an absolute path, or "@" and a name that is no file's (unix(7), "abstract").
    /// - Throws: code `unsupported` for any other kind of address.
    package init(_ address: String) throws {
        if address.hasPrefix("/") {
            descriptor = try UnixSocket.connect(FilePath(address), .datagram)
        } else if address.hasPrefix("@"), address.utf8.count > 1 {
            descriptor = try Self.connect(abstract: [0] + Array(address.utf8.dropFirst()))
        } else {
            throw RuntimeError(.unsupported, "\"\(address)\" is neither a path nor the name of an abstract socket")
        }
        try UnixSocket.setNonBlocking(descriptor)
    }

    private static func connect(abstract name: [UInt8]) throws -> FileDescriptor {
        var address = sockaddr_un()
        guard name.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            throw RuntimeError(.invalidArgument, "the name of the abstract socket is too long")
        }
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: the name fits, as has just been found out.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let made = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        let descriptor = FileDescriptor(rawValue: try check(made, "socket"))
        // SAFETY: the address lives during the call, and no more than its size is passed.
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(made, $0, length) }
        }
        guard result == 0 else {
            let error = lastErrno
            try? descriptor.close()
            throw RuntimeError.systemCall("connect", nil, error)
        }
        return descriptor
    }

    /// Sends one message: assignments, one on each line.
    package func send(_ text: String) throws {
        let deadline = Clock.milliseconds + Self.patience
        while try !offer(text) {
            guard Clock.milliseconds < deadline else { throw RuntimeError.systemCall("send", nil, .wouldBlock) }
            _ = try Poll.wait([(descriptor, .write)], timeout: deadline - Clock.milliseconds)
        }
    }

    /// Sends one message where there is room for it, without waiting.
    ///
    /// - Returns: whether it was sent.
    package func offer(_ text: String) throws -> Bool {
        let bytes = Array(text.utf8)
        // SAFETY: the array outlives the call and its size is passed.
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        if count >= 0 { return true }
        let error = lastErrno
        guard error == .wouldBlock || error == .interrupted else {
            throw RuntimeError.systemCall("send", nil, error)
        }
        return false
    }

    /// Says that this program serves. Without a service manager that wants to know, nothing happens.
    ///
    /// - Parameter address: the value of `NOTIFY_SOCKET`.
    package static func notifyReady(_ address: String? = ProcessImage.variable("NOTIFY_SOCKET")) throws {
        guard let address, !address.isEmpty else { return }
        do {
            let socket = try NotificationSocket(address)
            defer { socket.close() }
            try socket.send("READY=1")
        } catch {
            throw RuntimeError(.internal, "cannot tell the service manager at NOTIFY_SOCKET=\(address): \(error)")
        }
    }

    package func close() { try? descriptor.close() }
}
