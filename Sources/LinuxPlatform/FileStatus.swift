// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import SystemPackage

/// What a path is, as stat(2) tells.
package enum FileType: Sendable, Equatable {
    case regular, directory, symbolicLink, fifo, socket, characterDevice, blockDevice
}

/// The facts of stat(2) that this project uses.
package struct FileStatus: Sendable, Equatable {
    package let type: FileType
    /// The twelve permission bits.
    package let mode: UInt32
    package let uid: UInt32
    package let gid: UInt32
    /// Bytes.
    package let size: Int64
    package let inode: UInt64
    package let device: UInt64
    /// Device number of a device node.
    package let specialDevice: UInt64
    package let linkCount: UInt64
    /// Nanoseconds since 1970.
    package let modificationTime: Int64
    /// Nanoseconds since 1970.
    package let changeTime: Int64

    init(_ status: stat) {
        type =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .regular
            }
        mode = status.st_mode & 0o7777
        uid = status.st_uid
        gid = status.st_gid
        size = Int64(status.st_size)
        inode = UInt64(status.st_ino)
        device = UInt64(status.st_dev)
        specialDevice = UInt64(status.st_rdev)
        linkCount = UInt64(status.st_nlink)
        modificationTime = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        changeTime = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
    }
    /// The parts of a device node's number, laid out as in the C library (makedev(3)).
    package var deviceNumbers: (major: UInt32, minor: UInt32) {
        let number = specialDevice
        let major = number >> 8 & 0xfff | number >> 32 & ~0xfff
        let minor = number & 0xff | number >> 12 & ~0xff
        return (UInt32(truncatingIfNeeded: major), UInt32(truncatingIfNeeded: minor))
    }
}
