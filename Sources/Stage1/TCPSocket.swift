// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// tcp(7) sockets.
enum TCPSocket {
    /// Begins to connect: the socket can be written to once that has succeeded or failed.
    static func connect(to address: IPAddress, port: Int) throws -> FileDescriptor {
        let isIPv4 = address.family == .v4
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = socket(isIPv4 ? AF_INET : AF_INET6, type, 0)
        guard number >= 0 else { throw lastErrno }
        let descriptor = FileDescriptor(rawValue: number)
        let result = SocketAddress.with(address, port: port) { Glibc.connect(number, $0, $1) }
        guard result == 0 || lastErrno == Errno(rawValue: EINPROGRESS) else {
            let error = lastErrno
            try? descriptor.close()
            throw error
        }
        return descriptor
    }

    /// The next connection, non-blocking; nil when none waits.
    static func accept(_ listener: FileDescriptor) -> FileDescriptor? {
        let number = Glibc.accept(listener.rawValue, nil, nil)
        guard number >= 0 else { return nil }
        let connection = FileDescriptor(rawValue: number)
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0, (try? UnixSocket.setNonBlocking(connection)) != nil else {
            try? connection.close()
            return nil
        }
        return connection
    }
}
