// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

extension FileSystem {
    /// Removes a path and everything below it.
    ///
    /// Symbolic links are removed, not followed. A directory on another device than its parent is a mount point: it is
    /// not entered, and the removal fails naming it. A missing path is fine.
    package static func removeTree(_ path: FilePath) throws {
        guard let name = path.lastComponent?.string else {
            throw RuntimeError(.invalidArgument, "refusing to remove \(path)")
        }
        let parentPath = path.removingLastComponent()
        let parent = open(parentPath.isEmpty ? "." : parentPath.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else {
            if lastErrno == .noSuchFileOrDirectory { return }
            throw RuntimeError.systemCall("open", parentPath, lastErrno)
        }
        defer { close(parent) }
        try removeEntry(name, in: parent, path, depth: 0)
    }

    private static func removeEntry(_ name: String, in parent: CInt, _ path: FilePath, depth: Int) throws {
        if unlinkat(parent, name, 0) == 0 { return }
        switch lastErrno {
        case .noSuchFileOrDirectory: return
        case .isDirectory, .notPermitted: break
        case let error: throw RuntimeError.systemCall("unlink", path, error)
        }
        if unlinkat(parent, name, AT_REMOVEDIR) == 0 { return }
        switch lastErrno {
        case .noSuchFileOrDirectory: return
        case .directoryNotEmpty, .fileExists: break
        case let error: throw RuntimeError.systemCall("rmdir", path, error)
        }
        guard depth < 4096 else { throw RuntimeError(.invalidArgument, "\(path) is nested too deep to remove") }
        try removeContents(of: name, in: parent, path, depth: depth)
        if unlinkat(parent, name, AT_REMOVEDIR) != 0, lastErrno != .noSuchFileOrDirectory {
            throw RuntimeError.systemCall("rmdir", path, lastErrno)
        }
    }

    private static func removeContents(of name: String, in parent: CInt, _ path: FilePath, depth: Int) throws {
        let resolve = UInt64(RKT_RESOLVE_NO_XDEV) | UInt64(RKT_RESOLVE_NO_SYMLINKS)
        let child = rkt_openat2(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, resolve)
        if child == -ENOENT { return }
        if child == -EXDEV {
            throw RuntimeError(.busy, "\(path) is a mount point; unmount it first")
        }
        try check(child, "open", path)
        guard let directory = fdopendir(child) else {
            let error = lastErrno
            close(child)
            throw RuntimeError.systemCall("opendir", path, error)
        }
        defer { closedir(directory) }
        for entry in try names(in: directory, path) {
            try removeEntry(entry, in: child, path.appending(entry), depth: depth + 1)
        }
    }
}
