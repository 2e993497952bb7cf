// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// A virtio-serial port, found by the name that the host gave it.
package enum VirtioPort {
    private static let classDirectory: FilePath = "/sys/class/virtio-ports"

    /// Opens a port. The driver makes ports as the host announces them, shortly after the device appears, and there is no
    /// udev to wait for: the directory is looked at every millisecond until the deadline.
    package static func open(_ name: String, deadline: Int = Clock.milliseconds + 10_000) throws -> FileDescriptor {
        while true {
            if let device = find(name) { return try open(device) }
            guard Clock.milliseconds < deadline else {
                throw RuntimeError(.timeout, "the machine has no virtio-serial port named \(name)")
            }
            usleep(1000)
        }
    }

    private static func find(_ name: String) -> String? {
        guard let ports = try? FileSystem.list(classDirectory) else { return nil }
        return ports.first { port in
            let text = try? FileSystem.readText(classDirectory.appending(port).appending("name"), limit: 4096)
            return text == name + "\n"
        }
    }

    private static func open(_ device: String) throws -> FileDescriptor {
        let path = FilePath("/dev").appending(device)
        let descriptor = Glibc.open(path.string, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        return FileDescriptor(rawValue: descriptor)
    }
}
