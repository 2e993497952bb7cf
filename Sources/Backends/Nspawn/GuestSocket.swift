// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The two streams between a container and its supervisor: the container connects, first its first program and then its
/// agent. Nothing else can: after that nobody listens.
///
/// Before a connection is made its descriptor is that of a stream on which nothing comes, so that it can be polled and
/// written to as the port of a virtual machine can before the guest has opened it.
final class GuestSocket {
    let boot: FileDescriptor
    let agent: FileDescriptor
    /// Readable when the container wants to connect.
    let listener: FileDescriptor
    /// The other ends of the silent streams.
    private let silence: [FileDescriptor]
    private var waiting: [FileDescriptor]
    private let path: FilePath

    init(_ path: FilePath) throws {
        self.path = path
        try FileSystem.remove(path)
        listener = try UnixSocket.listen(path)
        // The users of a container may be others on the host. It is in the pod's directory, which only root gets into.
        guard chmod(path.string, 0o666) == 0 else { throw RuntimeError.systemCall("chmod", path, lastErrno) }
        try UnixSocket.setNonBlocking(listener)
        let pairs = try (0..<2).map { _ in try UnixSocket.pair() }
        boot = pairs[0].0
        agent = pairs[1].0
        silence = pairs.map(\.1)
        waiting = [boot, agent]
        for descriptor in waiting { try UnixSocket.setNonBlocking(descriptor) }
    }

    var descriptors: [FileDescriptor] { [boot, agent, listener] + silence }

    /// Accepts what wants to connect.
    func accept() throws {
        while let next = waiting.first, let (connection, _) = try UnixSocket.accept(listener) {
            defer { try? connection.close() }
            try UnixSocket.setNonBlocking(connection)
            try replace(next, by: connection)
            waiting.removeFirst()
            if waiting.isEmpty {
                // Nobody listens any more, and whoever polls the listener finds nothing there.
                try replace(listener, by: silence[0])
                try FileSystem.remove(path)
            }
        }
    }

    func close() {
        for descriptor in descriptors { try? descriptor.close() }
        try? FileSystem.remove(path)
    }

    private func replace(_ descriptor: FileDescriptor, by other: FileDescriptor) throws {
        // The descriptor that dup2(2) makes is inherited by programs.
        guard dup2(other.rawValue, descriptor.rawValue) >= 0, fcntl(descriptor.rawValue, F_SETFD, FD_CLOEXEC) == 0
        else {
            throw RuntimeError.systemCall("dup2", nil, lastErrno)
        }
    }
}
