// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// Blocking TCP sockets of a test, on 127.0.0.1. What takes longer than a few seconds fails.
struct LoopbackSocket {
    let descriptor: FileDescriptor

    enum Kind { case stream, datagram }

    private init(_ kind: Kind = .stream) throws {
        let type = kind == .stream ? SOCK_STREAM : SOCK_DGRAM
        let number = socket(AF_INET, CInt(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw lastErrno }
        descriptor = FileDescriptor(rawValue: number)
        try setPatience()
    }

    init(_ descriptor: FileDescriptor) throws {
        self.descriptor = descriptor
        try setPatience()
    }

    private func setPatience() throws {
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            let size = socklen_t(MemoryLayout<timeval>.size)
            guard setsockopt(descriptor.rawValue, SOL_SOCKET, option, &limit, size) == 0 else { throw lastErrno }
        }
    }

    /// A socket that has a port, and listens if it can.
    ///
    /// - Parameter port: 0 for any that is free.
    static func listening(_ kind: Kind = .stream, on port: Int = 0) throws -> LoopbackSocket {
        let result = try LoopbackSocket(kind)
        var reuse: CInt = 1
        setsockopt(result.descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<CInt>.size))
        try result.call(bind, port: port)
        if kind == .stream { guard listen(result.descriptor.rawValue, 128) == 0 else { throw lastErrno } }
        return result
    }

    static func connected(to port: Int) throws -> LoopbackSocket {
        let result = try LoopbackSocket()
        try result.call(connect, port: port)
        return result
    }

    func accept() throws -> LoopbackSocket {
        let number = Glibc.accept(descriptor.rawValue, nil, nil)
        guard number >= 0 else { throw lastErrno }
        return try LoopbackSocket(FileDescriptor(rawValue: number))
    }

    private func call(
        _ function: (CInt, UnsafePointer<sockaddr>?, socklen_t) -> CInt, port: Int
    ) throws {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(port).bigEndian
        name.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw lastErrno }
    }

    var port: Int {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor.rawValue, $0, &length)
            }
        }
        return Int(in_port_t(bigEndian: name.sin_port))
    }

    func send(_ text: String) throws { try FileSystem.writeAll(Array(text.utf8), to: descriptor) }

    /// There is no more to come from this side.
    func finish() { shutdown(descriptor.rawValue, CInt(SHUT_WR)) }

    /// All that comes up to the end.
    func rest() throws -> String { String(decoding: try FileSystem.read(descriptor, "socket"), as: UTF8.self) }

    func close() { try? descriptor.close() }
}
