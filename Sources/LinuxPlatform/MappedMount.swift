// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLinuxShims
import Diagnostics
import SystemPackage

/// Which owners files are shown with that are on a disk with the ids of a user namespace (mount_setattr(2), `MOUNT_ATTR_IDMAP`).
package struct OwnerMap: Sendable {
    /// The namespace is kept open: it is all that there is of the map.
    private let namespace: FileDescriptor

    /// What the host's root has as owner on the disk. Nobody else has this id (systemd's "Users, Groups, UIDs and GIDs": the
    /// second half of the ids is for nobody), and systemd-nspawn(1) uses it for the same.
    private static let rootOnDisk: UInt32 = 0x7fff_ffff - 1

    /// - Parameters:
    ///   - range: what the ids from 0 on are shown as.
    ///   - admitsRoot: whether the host's root can make files, too. They are owned by an id that no namespace has.
    package init(_ range: UserRange, admitsRoot: Bool) throws {
        // As in user_namespaces(7): on the disk, shown as, how many.
        var lines = "0 \(range.first) \(range.count)\n"
        if admitsRoot { lines += "\(Self.rootOnDisk) 0 1\n" }
        let result = rkt_make_user_namespace(lines)
        guard result >= 0 else {
            throw RuntimeError(
                .unsupported, "this host lets nobody make user namespaces; leave out --private-users",
                cause: RuntimeError.systemCall("unshare", nil, Errno(rawValue: -result)))
        }
        namespace = FileDescriptor(rawValue: result)
    }

    package func close() { try? namespace.close() }

    /// Shows a copy of a mount, and all that it holds, by this map. It must not be mounted yet.
    func apply(to mount: FileDescriptor, isRecursive: Bool, _ source: FilePath) throws {
        let result = rkt_map_mount(mount.rawValue, namespace.rawValue, isRecursive ? 1 : 0)
        guard result < 0 else { return }
        let cause = RuntimeError.systemCall("mount_setattr", source, Errno(rawValue: -result))
        guard Errno(rawValue: -result) != .noFunction else {
            throw RuntimeError(
                .unsupported,
                "the owners of files in \(source) cannot be mapped: the kernel is older than Linux 5.12; use a newer one, or "
                    + "leave out --private-users", cause: cause)
        }
        let type = (try? Mount.type(at: source)).map { " (\($0))" } ?? ""
        let what = isRecursive ? "or that of a mount below" : "or it is mapped already"
        throw RuntimeError(
            .unsupported,
            "the owners of files in \(source) cannot be mapped: its file system\(type) does not do that, \(what); take "
                + "another file system, or leave out --private-users", cause: cause)
    }
}

/// Copies of mounts that show files with other owners.
package enum MappedMount {
    /// Shows what is at a path over itself, or at another path, with mapped owners.
    package static func attach(
        _ source: FilePath, at target: FilePath, _ map: OwnerMap, isRecursive: Bool = false
    ) throws {
        let place: FileDescriptor
        do {
            place = try FileDescriptor.open(
                target, .readOnly, options: [.closeOnExec, FileDescriptor.OpenOptions(rawValue: CInt(RKT_O_PATH))])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", target, error)
        }
        defer { try? place.close() }
        let copy = try MountCopy(of: source, isRecursive: isRecursive)
        do {
            try copy.mapOwners(map, isRecursive: isRecursive, source)
        } catch {
            copy.close()
            throw error
        }
        try copy.attach(to: place)
    }

    /// Finds out whether the owners of files there can be mapped; nothing is mounted.
    ///
    /// - Throws: code `unsupported`, with the file system and what to do.
    package static func check(_ source: FilePath, _ map: OwnerMap, isRecursive: Bool = false) throws {
        let copy = try MountCopy(of: source, isRecursive: isRecursive)
        defer { copy.close() }
        try copy.mapOwners(map, isRecursive: isRecursive, source)
    }
}
