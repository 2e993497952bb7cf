// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

extension FileSystem {
    /// How many levels are entered at once; each holds a descriptor open and takes room on the stack.
    private static let removalDepth = 64

    /// What is nested deeper is moved up to the directory that is being removed, so that any depth can be.
    private final class Removal {
        let top: FileDescriptor
        private var count = 0
        init(top: FileDescriptor) { self.top = top }

        /// - Returns: nil when it was moved.
        func takeUp(_ name: FilePath.Component, from parent: FileDescriptor) -> Errno? {
            while true {
                count += 1
                let result = name.withPlatformString {
                    rkt_renameat2(
                        parent.rawValue, $0, top.rawValue, ".removed-\(count)", UInt32(RKT_RENAME_NOREPLACE))
                }
                if result != -EEXIST { return result < 0 ? Errno(rawValue: -result) : nil }
            }
        }
    }

    /// Removes a path and everything below it, whatever bytes its names are made of.
    ///
    /// Symbolic links are removed, not followed. A directory on another device than its parent is a mount point: it is
    /// not entered, and the removal fails naming it. A missing path is fine.
    package static func removeTree(_ path: FilePath) throws {
        guard let name = path.lastComponent, name.kind == .regular else {
            throw RuntimeError(.invalidArgument, "refusing to remove \(path)")
        }
        let parentPath = path.removingLastComponent()
        let parent = (parentPath.isEmpty ? "." : parentPath).withPlatformString {
            open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard parent >= 0 else {
            if lastErrno == .noSuchFileOrDirectory { return }
            throw RuntimeError.systemCall("open", parentPath, lastErrno)
        }
        defer { close(parent) }
        try removeEntry(name, in: FileDescriptor(rawValue: parent), path, depth: 0, nil)
    }

    private static func removeEntry(
        _ name: FilePath.Component, in parent: FileDescriptor, _ path: FilePath, depth: Int, _ removal: Removal?
    ) throws {
        func unlink(_ flags: CInt) -> Errno? {
            name.withPlatformString { unlinkat(parent.rawValue, $0, flags) == 0 ? nil : lastErrno }
        }
        switch unlink(0) {
        case nil, .noSuchFileOrDirectory: return
        case .isDirectory, .notPermitted: break
        case let error?: throw RuntimeError.systemCall("unlink", path, error)
        }
        switch unlink(AT_REMOVEDIR) {
        case nil, .noSuchFileOrDirectory: return
        case .directoryNotEmpty, .fileExists: break
        case let error?: throw RuntimeError.systemCall("rmdir", path, error)
        }
        if depth >= removalDepth, let removal {
            if let error = removal.takeUp(name, from: parent) { throw RuntimeError.systemCall("rename", path, error) }
            return
        }
        try removeContents(of: name, in: parent, path, depth: depth, removal)
        if let error = unlink(AT_REMOVEDIR), error != .noSuchFileOrDirectory {
            throw RuntimeError.systemCall("rmdir", path, error)
        }
    }

    private static func removeContents(
        of name: FilePath.Component, in parent: FileDescriptor, _ path: FilePath, depth: Int, _ removal: Removal?
    ) throws {
        let resolve = UInt64(RKT_RESOLVE_NO_XDEV) | UInt64(RKT_RESOLVE_NO_SYMLINKS)
        let result = name.withPlatformString {
            rkt_openat2(parent.rawValue, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, resolve)
        }
        if result == -ENOENT { return }
        if result == -EXDEV { throw RuntimeError(.busy, "\(path) is a mount point; unmount it first") }
        let child = FileDescriptor(rawValue: try check(result, "open", path))
        defer { try? child.close() }
        while true {
            let entries: [FilePath.Component]
            do {
                entries = try names(in: child)
            } catch {
                throw RuntimeError.systemCall("readdir", path, error)
            }
            for entry in entries {
                try removeEntry(
                    entry, in: child, path.appending(entry), depth: depth + 1, removal ?? Removal(top: child))
            }
            // The first directory may have got more meanwhile.
            if removal != nil || entries.isEmpty { return }
        }
    }
}
