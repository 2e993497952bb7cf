// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage

/// One entry's header.
package struct ArchiveEntry: Sendable {
    package enum Kind: Sendable {
        case file
        case directory
        /// The text is NUL-terminated and kept byte for byte.
        case symbolicLink([CChar])
        /// The target is relative to the archive's root and lexically cleaned.
        case hardLink(FilePath)
        case fifo
        case characterDevice(major: UInt32, minor: UInt32)
        case blockDevice(major: UInt32, minor: UInt32)
        /// Nothing that a tar archive should hold.
        case unknown
    }

    /// The lexically cleaned name; empty for the archive's root itself.
    package let path: FilePath
    package let kind: Kind
    /// Bytes of a file, holes counted.
    package let size: Int64
    /// The twelve permission bits.
    package let mode: UInt32
    package let uid: UInt32
    package let gid: UInt32
    package let times: FileSystem.Times

    package var isDirectory: Bool {
        if case .directory = kind { true } else { false }
    }
}

/// Names inside an archive that mean something to an image.
enum ArchiveName {
    /// A name as a message shows it: in quotes, cut where it is long, without anything that a terminal acts on.
    static func quoted(_ path: FilePath) -> String { ScalarError.quoted(path.string) }

    static let manifest = FilePath("manifest")
    static let root = FilePath("rootfs")
}
