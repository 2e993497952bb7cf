// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// A stream to the host, by the name that both know it by.
///
/// In a container it is a connection to the supervisor, which takes the first one for the shim's and the second for the
/// agent's. In a virtual machine it is the serial port that a kernel parameter of that name tells, as in
/// `rkt.boot=ttyS1`, and where none does, a port of virtio-serial.
package enum GuestPort {
    /// There in a container.
    private static let socket: FilePath = "/run/rkt-host.sock"

    /// Whether this guest shares the host's kernel.
    static var isInContainer: Bool { FileSystem.exists(socket) }

    package static func open(_ name: String) throws -> FileDescriptor {
        // The kernel's parameters that a container reads are for the host.
        if isInContainer { return try UnixSocket.connect(socket) }
        guard let path = serialPort(name) else { return try VirtioPort.open(name) }
        return try Terminal.openRaw(path)
    }

    /// Waits until the host has what was written to a serial port: the machine's end would take it along.
    static func drain(_ name: String) {
        guard !isInContainer, let path = serialPort(name), let port = try? Terminal.openRaw(path) else { return }
        Terminal.drain(port)
        try? port.close()
    }

    private static func serialPort(_ name: String) -> FilePath? {
        device(of: name, in: GuestParameters.current).map { FilePath("/dev/\($0)") }
    }

    /// The device that a port is, in the kernel's parameters; nil when they tell of none.
    package static func device(of name: String, in parameters: GuestParameters) -> String? {
        guard let device = parameters[name], device.hasPrefix("tty"), device.utf8.count <= 16,
            device.utf8.allSatisfy(isLetterOrDigit)
        else { return nil }
        return device
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
