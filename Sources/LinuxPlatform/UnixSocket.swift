// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// unix(7) sockets by path. A path longer than the 107 bytes an address holds is reached through its directory's
/// descriptor.
package enum UnixSocket {
    package enum Kind: Sendable {
        case stream, datagram
        var value: CInt { self == .stream ? CInt(RKT_SOCKET_STREAM) : CInt(RKT_SOCKET_DATAGRAM) }
    }

    /// - Parameter mode: what the socket has from its first moment; nil for what umask(2) leaves of 0777.
    package static func listen(_ path: FilePath, _ kind: Kind = .stream, mode: UInt32? = nil) throws -> FileDescriptor {
        try withShortPath(path) {
            let mode = mode.map { CInt($0) } ?? -1
            return FileDescriptor(rawValue: try check(rkt_unix_listen($0, kind.value, mode), "bind", path))
        }
    }

    package static func connect(_ path: FilePath, _ kind: Kind = .stream) throws -> FileDescriptor {
        try withShortPath(path) {
            FileDescriptor(rawValue: try check(rkt_unix_connect($0, kind.value), "connect", path))
        }
    }

    /// Connects to a stream socket whose listener may hang: then the queue of connections gets full, and it would be waited
    /// for without end.
    ///
    /// - Parameter milliseconds: how long is waited for a place in that queue (SO_SNDTIMEO, unix(7)).
    /// - Throws: code `busy` when there was none.
    package static func connect(_ path: FilePath, within milliseconds: Int) throws -> FileDescriptor {
        try withShortPath(path) {
            let limit = CInt(clamping: milliseconds)
            return FileDescriptor(rawValue: try check(rkt_unix_connect_within($0, limit), "connect", path))
        }
    }

    /// The next connection and its peer's user, or nil when none waits on a non-blocking socket.
    package static func accept(_ socket: FileDescriptor) throws -> (FileDescriptor, uid: UInt32)? {
        var uid: uid_t = 0
        let connection = rkt_unix_accept(socket.rawValue, &uid)
        if connection == -EAGAIN || connection == -ECONNABORTED { return nil }
        return (FileDescriptor(rawValue: try check(connection, "accept")), uid)
    }

    package static func pair() throws -> (FileDescriptor, FileDescriptor) {
        var pair: [CInt] = [-1, -1]
        try check(rkt_socketpair(&pair), "socketpair")
        return (FileDescriptor(rawValue: pair[0]), FileDescriptor(rawValue: pair[1]))
    }

    package static func setNonBlocking(_ descriptor: FileDescriptor, _ on: Bool = true) throws {
        try check(rkt_set_nonblocking(descriptor.rawValue, on ? 1 : 0), "fcntl")
    }

    private static func withShortPath<Result>(_ path: FilePath, _ body: (String) throws -> Result) throws -> Result {
        guard path.string.utf8.count > 100, let name = path.lastComponent?.string else { return try body(path.string) }
        let parent = path.removingLastComponent()
        let directory = open(parent.string, FileSystem.O_PATH_DIRECTORY)
        guard directory >= 0 else { throw RuntimeError.systemCall("open", parent, lastErrno) }
        defer { close(directory) }
        return try body("/proc/self/fd/\(directory)/\(name)")
    }
}
