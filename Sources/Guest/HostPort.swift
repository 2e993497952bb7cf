// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// The streams to the host: ports of a virtual machine, or connections to a container's supervisor. It takes the first
/// connection for the shim's and the second for the agent's.
enum HostPort {
    /// There in a container.
    private static let socket: FilePath = "/run/rkt-host.sock"

    /// Whether this guest shares the host's kernel.
    static var isInContainer: Bool { FileSystem.exists(socket) }

    static func open(_ name: String) throws -> FileDescriptor {
        isInContainer ? try UnixSocket.connect(socket) : try VirtioPort.open(name)
    }
}
