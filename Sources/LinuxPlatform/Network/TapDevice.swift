// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// Interfaces whose frames a program reads and writes (the kernel's networking/tuntap documentation).
///
/// Each frame comes with a header that tells of checksums and segments (`IFF_VNET_HDR`), as QEMU wants it.
package enum TapDevice {
    /// Makes a tap in the calling thread's network namespace; it is removed when its descriptor is closed.
    ///
    /// - Returns: the descriptor and the name that the kernel gave it.
    package static func make() throws -> (FileDescriptor, name: String) {
        var name = [CChar](repeating: 0, count: 16)
        let descriptor = try check(rkt_tap_open("tap%d", &name), "open", "/dev/net/tun")
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return (FileDescriptor(rawValue: descriptor), String(decoding: bytes, as: UTF8.self))
    }

    /// Prepares a tap or macvtap for a program that knows nothing of checksums and segments: the kernel does them.
    ///
    /// - Returns: how many bytes of a header stand before each frame; zeros will do.
    package static func makePlain(_ tap: FileDescriptor) throws -> Int {
        Int(try check(rkt_tap_make_plain(tap.rawValue), "ioctl"))
    }

    /// Opens the character device of a macvtap in the calling thread's network namespace.
    ///
    /// `/dev/tapN` is not trusted: N counts in each namespace, so that the file may lead to another pod's interface.
    /// The number of the device comes from a sysfs that shows this namespace, and the node is made where nobody else
    /// finds it.
    package static func openMacvtap(_ link: NetworkLink) throws -> FileDescriptor {
        let sysfs = try DetachedMount.open("sysfs")
        defer { try? sysfs.close() }
        let number = try deviceNumber(of: link, sysfs)
        let scratch = try DetachedMount.open("tmpfs")
        defer { try? scratch.close() }
        guard mknodat(scratch.rawValue, "tap", S_IFCHR | 0o600, dev_t(number)) == 0 else {
            throw RuntimeError.systemCall("mknod", "tap", lastErrno)
        }
        let descriptor = openat(scratch.rawValue, "tap", O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw RuntimeError(
                .internal, "opening the character device of \(link.name)",
                cause: RuntimeError.systemCall("open", "tap", lastErrno))
        }
        return FileDescriptor(rawValue: descriptor)
    }

    private static func deviceNumber(of link: NetworkLink, _ sysfs: FileDescriptor) throws -> UInt64 {
        let path = FilePath("class/net/\(link.name)/macvtap/tap\(link.index)/dev")
        let descriptor = openat(sysfs.rawValue, path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        let file = FileDescriptor(rawValue: descriptor)
        defer { try? file.close() }
        let text = String(decoding: try FileSystem.read(file, path, limit: 64), as: UTF8.self)
        let parts = text.split(whereSeparator: { $0 == ":" || $0 == "\n" }).compactMap { UInt32($0) }
        guard parts.count == 2 else {
            throw RuntimeError(.internal, "\(path) of sysfs does not hold a device number")
        }
        return rkt_makedev(parts[0], parts[1])
    }
}
