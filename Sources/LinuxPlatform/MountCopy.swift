// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLinuxShims
import Diagnostics
import SystemPackage

/// A copy of a mount that is mounted nowhere yet, as mount(2) with `MS_BIND` makes one in place.
///
/// The copy of a shared mount stays one of its peers, whatever becomes of the mounts of this process meanwhile.
package struct MountCopy: Sendable {
    private let descriptor: FileDescriptor

    /// - Parameters:
    ///   - source: a directory or a file; links are followed.
    ///   - isRecursive: whether what is mounted below is copied, too.
    package init(of source: FilePath, isRecursive: Bool) throws {
        let root = try check(rkt_copy_mount(source.string, isRecursive ? 1 : 0), "open_tree", source)
        descriptor = FileDescriptor(rawValue: root)
    }

    /// Whether it is a copy of a directory.
    package var isDirectory: Bool { get throws { try FileSystem.status(of: descriptor).type == .directory } }

    /// Makes the copy and all that it holds read-only; what it is a copy of stays as it is.
    package func makeReadOnly() throws { try Mount.makeReadOnly(descriptor) }

    /// Makes the copy, and all that it holds, no peer of what it was made of, and adds flags to it: what is mounted below the
    /// source from now on does not appear in the copy.
    ///
    /// - Parameter flags: of `readOnly`, `noSetUserID` and `noDevices`, which mount_setattr(2) has by the same numbers.
    package func setApart(_ flags: MountFlags = []) throws {
        let allowed = flags.intersection([.readOnly, .noSetUserID, .noDevices])
        try check(rkt_restrict_mount(descriptor.rawValue, UInt64(allowed.rawValue)), "mount_setattr")
    }

    /// Shows files with the owners that a map says. The copy is no peer of what it was made of any more, and devices in it
    /// do not work: nothing but the host's root limits which ones a process with users of its own may open.
    ///
    /// - Parameter source: what this is a copy of, for messages.
    package func mapOwners(_ map: OwnerMap, isRecursive: Bool, _ source: FilePath) throws {
        try map.apply(to: descriptor, isRecursive: isRecursive, source)
    }

    /// Lets go of a copy that is not to be mounted.
    package func close() { try? descriptor.close() }

    /// Mounts the copy over what is at a path, and closes it.
    package func attach(at target: FilePath) throws {
        let place: FileDescriptor
        do {
            place = try FileDescriptor.open(
                target, .readOnly,
                options: [.closeOnExec, .noFollow, FileDescriptor.OpenOptions(rawValue: CInt(RKT_O_PATH))])
        } catch let error as Errno {
            close()
            throw RuntimeError.systemCall("open", target, error)
        }
        defer { try? place.close() }
        try attach(to: place)
    }

    /// Mounts the copy over what the descriptor names, and closes it.
    package func attach(to target: FileDescriptor) throws {
        defer { try? descriptor.close() }
        try check(rkt_attach_mount(descriptor.rawValue, target.rawValue), "move_mount")
    }
}
