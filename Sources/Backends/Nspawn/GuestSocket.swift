// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The two streams between a container and its supervisor: the container connects, first its first program and then its
/// agent. Nothing else can: only one user may connect, and after that nobody listens.
///
/// Before a connection is made its descriptor is that of a stream on which nothing comes, so that it can be polled and
/// written to as the port of a virtual machine can before the guest has opened it.
package final class GuestSocket {
    /// To the shim.
    package let boot: FileDescriptor
    /// To the agent.
    package let agent: FileDescriptor
    /// Readable when the container wants to connect.
    package let listener: FileDescriptor
    /// Takes the listener's place: a silent stream whose both ends stay open.
    private let quiet: FileDescriptor
    /// The other ends of the silent streams.
    private let silence: [FileDescriptor]
    private var waiting: [FileDescriptor]
    /// Who may connect.
    private let user: UInt32
    private let path: FilePath

    /// Listens at a path; what was there is removed.
    ///
    /// - Parameter user: who may connect: what root in the container is on the host.
    package init(_ path: FilePath, user: UInt32 = geteuid()) throws {
        self.path = path
        self.user = user
        try FileSystem.remove(path)
        listener = try UnixSocket.listen(path)
        // The pod's directory is open to the members of rkt's group, too.
        guard chmod(path.string, 0o600) == 0 else { throw RuntimeError.systemCall("chmod", path, lastErrno) }
        guard user == geteuid() || chown(path.string, user, user) == 0 else {
            throw RuntimeError.systemCall("chown", path, lastErrno)
        }
        try UnixSocket.setNonBlocking(listener)
        let pairs = try (0..<3).map { _ in try UnixSocket.pair() }
        boot = pairs[0].0
        agent = pairs[1].0
        quiet = pairs[2].0
        silence = pairs.map(\.1)
        waiting = [boot, agent]
        for descriptor in waiting { try UnixSocket.setNonBlocking(descriptor) }
    }

    /// All that is to be closed.
    package var descriptors: [FileDescriptor] { [boot, agent, listener, quiet] + silence }

    /// Accepts what wants to connect.
    package func accept() throws {
        while let next = waiting.first, let (connection, user) = try UnixSocket.accept(listener) {
            defer { try? connection.close() }
            guard user == self.user else { continue }
            try UnixSocket.setNonBlocking(connection)
            try replace(next, by: connection)
            waiting.removeFirst()
            if waiting.isEmpty {
                // Nobody listens any more, and whoever polls the listener finds nothing there.
                try replace(listener, by: quiet)
                try FileSystem.remove(path)
            }
        }
    }

    /// Closes everything and removes the path.
    package func close() {
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
