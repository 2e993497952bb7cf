// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// Flags of mount(2).
package struct MountFlags: OptionSet, Sendable {
    package let rawValue: UInt
    package init(rawValue: UInt) { self.rawValue = rawValue }

    /// Corresponds to `MS_RDONLY`.
    package static let readOnly = MountFlags(rawValue: 1)
    /// Corresponds to `MS_NOSUID`.
    package static let noSetUserID = MountFlags(rawValue: 2)
    /// Corresponds to `MS_NODEV`.
    package static let noDevices = MountFlags(rawValue: 4)
    /// Corresponds to `MS_NOEXEC`.
    package static let noExecution = MountFlags(rawValue: 8)
    /// Corresponds to `MS_REMOUNT`.
    package static let remount = MountFlags(rawValue: 32)
    /// Corresponds to `MS_BIND`.
    package static let bind = MountFlags(rawValue: 4096)
    /// Corresponds to `MS_MOVE`.
    package static let move = MountFlags(rawValue: 8192)
    /// Corresponds to `MS_REC`.
    package static let recursive = MountFlags(rawValue: 16384)
    /// Corresponds to `MS_PRIVATE`.
    package static let `private` = MountFlags(rawValue: 1 << 18)
    /// Corresponds to `MS_SLAVE`.
    package static let slave = MountFlags(rawValue: 1 << 19)
    /// Corresponds to `MS_SHARED`.
    package static let shared = MountFlags(rawValue: 1 << 20)
    /// Corresponds to `MS_RELATIME`.
    package static let relativeAccessTime = MountFlags(rawValue: 1 << 21)
    /// Corresponds to `MS_STRICTATIME`.
    package static let strictAccessTime = MountFlags(rawValue: 1 << 24)
}

/// mount(2), umount2(2) and the calling process's mount table.
package enum Mount {
    package static func mount(
        source: String, target: FilePath, type: String, flags: MountFlags = [], data: String = ""
    ) throws {
        guard Glibc.mount(source, target.string, type, flags.rawValue, data) == 0 else {
            throw RuntimeError.systemCall("mount", target, lastErrno)
        }
    }

    /// Shows `source` at `target` too.
    package static func bind(_ source: FilePath, _ target: FilePath, recursive: Bool = false) throws {
        let flags: MountFlags = recursive ? [.bind, .recursive] : [.bind]
        try mount(source: source.string, target: target, type: "", flags: flags)
    }

    /// Makes a mount and all mounts below it read-only (mount_setattr(2), Linux 5.12).
    ///
    /// - Parameter directory: the mount's root.
    package static func makeReadOnly(_ directory: FileDescriptor) throws {
        try check(rkt_make_mounts_read_only(directory.rawValue, ""), "mount_setattr")
    }

    /// Gives this process, and what it starts, mounts of its own. What is mounted outside goes on appearing here.
    package static func leaveNamespace() throws {
        // CLONE_NEWNS
        try check(rkt_unshare(0x2_0000), "unshare")
        try mount(source: "", target: "/", type: "", flags: [.recursive, .slave])
    }

    /// Lets what is mounted below a mount from now on appear wherever the mount is known, and makes it no peer of others.
    ///
    /// - Parameter directory: the mount's root.
    package static func makeShared(_ directory: FilePath) throws {
        for flags: MountFlags in [.private, .shared] {
            try mount(source: "", target: directory, type: "", flags: flags)
        }
    }

    /// The mount points that a process sees, from its mountinfo (proc(5)).
    package static func points(seenBy pid: Int32) throws -> [FilePath] {
        mountPoints(in: try FileSystem.readText(FilePath("/proc/\(pid)/mountinfo"), limit: 64 << 20))
    }

    /// - Parameter detach: take it out of the tree now and let go of it when nothing uses it (MNT_DETACH).
    package static func unmount(_ target: FilePath, detach: Bool = false) throws {
        // UMOUNT_NOFOLLOW is 8, MNT_DETACH is 2.
        guard umount2(target.string, 8 | (detach ? 2 : 0)) == 0 else {
            throw RuntimeError.systemCall("umount", target, lastErrno)
        }
    }

    /// The mount points at and below a path, the last mounted first, from /proc/self/mountinfo (proc(5)).
    package static func points(beneath path: FilePath) throws -> [FilePath] {
        let table = try FileSystem.readText("/proc/self/mountinfo", limit: 64 << 20)
        let canonical = (try? realPath(path)) ?? path
        return mountPoints(in: table).filter { $0.starts(with: canonical) }.reversed()
    }

    /// The type of the file system that a path is on, as the mount table has it.
    package static func type(at path: FilePath) throws -> String? {
        let table = try FileSystem.readText("/proc/self/mountinfo", limit: 64 << 20)
        return type(at: (try? realPath(path)) ?? path, in: table)
    }

    /// The same from a mountinfo text: of the deepest mount that the path is below, the last one where several are on top of
    /// one another.
    package static func type(at path: FilePath, in table: String) -> String? {
        var best: (depth: Int, type: String)?
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 5, let end = fields.firstIndex(of: "-"), end + 1 < fields.count else { continue }
            let point = FilePath(unescape(fields[4]))
            guard path.starts(with: point) else { continue }
            let depth = point.components.count
            if depth >= best?.depth ?? 0 { best = (depth, String(fields[end + 1])) }
        }
        return best?.type
    }

    /// The mount points of a mountinfo text in its order; octal escapes are undone.
    package static func mountPoints(in table: String) -> [FilePath] {
        table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            return fields.count > 4 ? FilePath(unescape(fields[4])) : nil
        }
    }

    /// realpath(3).
    package static func realPath(_ path: FilePath) throws -> FilePath {
        guard let resolved = realpath(path.string, nil) else {
            throw RuntimeError.systemCall("realpath", path, lastErrno)
        }
        defer { free(resolved) }
        return FilePath(String(cString: resolved))
    }

    private static func unescape(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        let source = Array(field.utf8)
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "\\"), index + 3 < source.count,
                let value = UInt8(String(decoding: source[index + 1...index + 3], as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                index += 4
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
