// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// A directory of which others, who are not trusted, may change parts at any time: no symbolic link in it is followed, and what
/// is found is worked on by its descriptor (openat2(2), Linux 5.6).
///
/// Paths are those of what is below the directory, which itself nobody else changes.
package struct GuardedTree: Sendable {
    private let directory: FilePath
    private let root: FileDescriptor

    package init(_ directory: FilePath) throws {
        self.directory = directory
        do {
            root = try FileDescriptor.open(directory, .readOnly, options: [.directory, .noFollow, .closeOnExec])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", directory, error)
        }
    }

    package func close() { try? root.close() }

    /// Opens what is there to be named, not to be read (`O_PATH` of open(2)); it is no link.
    package func open(_ path: FilePath, flags: CInt = 0) throws -> FileDescriptor {
        var relative = path
        guard relative.removePrefix(directory), relative.isRelative, !relative.isEmpty else {
            throw RuntimeError(.internal, "\(path) is not below \(directory)")
        }
        let resolve = UInt64(RKT_RESOLVE_BENEATH) | UInt64(RKT_RESOLVE_NO_SYMLINKS) | UInt64(RKT_RESOLVE_NO_MAGICLINKS)
        let result = relative.withPlatformString {
            rkt_openat2(root.rawValue, $0, CInt(RKT_O_PATH) | O_CLOEXEC | flags, 0, resolve)
        }
        guard result != -ELOOP else {
            throw RuntimeError(
                .invalidState, "a symbolic link is on the way to \(path), where none belongs; remove it")
        }
        return FileDescriptor(rawValue: try check(result, "open", path))
    }

    /// Opens a directory, which is made when it is missing; its parent is there.
    package func directory(_ path: FilePath) throws -> FileDescriptor {
        try makeDirectory(path, mayExist: true)
        return try open(path, flags: O_DIRECTORY)
    }

    /// Makes a directory where nothing is, and opens it.
    package func newDirectory(_ path: FilePath) throws -> FileDescriptor {
        try makeDirectory(path, mayExist: false)
        return try open(path, flags: O_DIRECTORY)
    }

    private func makeDirectory(_ path: FilePath, mayExist: Bool) throws {
        try inParent(of: path) { parent, name in
            guard name.withPlatformString({ mkdirat(parent.rawValue, $0, 0o755) }) != 0 else { return }
            guard mayExist, lastErrno == .fileExists else { throw RuntimeError.systemCall("mkdir", path, lastErrno) }
        }
    }

    /// Makes an empty file where nothing is, and opens it.
    package func newFile(_ path: FilePath) throws -> FileDescriptor {
        try inParent(of: path) { parent, name in
            let flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC
            let made = name.withPlatformString { openat(parent.rawValue, $0, flags, 0o644) }
            guard made >= 0 else { throw RuntimeError.systemCall("create", path, lastErrno) }
            Glibc.close(made)
        }
        return try open(path)
    }

    /// Opens a regular file to append to; it and the directories on the way are made when they are missing.
    ///
    /// - Parameter mode: permission bits of a file that is made.
    /// - Throws: when a link or something that is no regular file is there.
    package func fileToAppend(_ path: FilePath, mode: UInt32) throws -> FileDescriptor {
        try makeParents(of: path)
        return try inParent(of: path) { parent, name in
            // Nothing that stands there makes this wait.
            let flags = O_CREAT | O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
            let opened = name.withPlatformString { openat(parent.rawValue, $0, flags, mode) }
            guard opened >= 0 else {
                guard lastErrno == .tooManySymbolicLinkLevels else {
                    throw RuntimeError.systemCall("open", path, lastErrno)
                }
                throw RuntimeError(.invalidState, "\(path) is a symbolic link, where none belongs; remove it")
            }
            let file = FileDescriptor(rawValue: opened)
            guard (try? FileSystem.status(of: file))?.type == .regular else {
                try? file.close()
                throw RuntimeError(.invalidState, "\(path) is not a regular file; remove it")
            }
            return file
        }
    }

    private func makeParents(of path: FilePath) throws {
        let parent = path.removingLastComponent()
        guard parent != directory, parent.lastComponent != nil, parent.starts(with: directory) else { return }
        if let found = try? open(parent, flags: O_DIRECTORY) { return try found.close() }
        try makeParents(of: parent)
        try makeDirectory(parent, mayExist: true)
    }

    /// Takes down everything that is mounted at a path, and what is below that. Who uses it may go on.
    package func detach(_ path: FilePath) throws {
        while let found = try? open(path) {
            defer { try? found.close() }
            // MNT_DETACH is 2. The last component is a link of the kernel's, so that it must be followed.
            guard umount2(found.path.string, 2) != 0 else { continue }
            guard lastErrno == .invalidArgument else { throw RuntimeError.systemCall("umount", path, lastErrno) }
            return
        }
    }

    /// Removes an empty directory. One that is not empty stays.
    package func removeDirectory(_ path: FilePath) { remove(path, AT_REMOVEDIR) }

    /// Removes a file; a missing one is fine.
    package func removeFile(_ path: FilePath) { remove(path, 0) }

    private func remove(_ path: FilePath, _ flags: CInt) {
        try? inParent(of: path) { parent, name in
            _ = name.withPlatformString { unlinkat(parent.rawValue, $0, flags) }
        }
    }

    private func inParent<Result>(
        of path: FilePath, _ body: (FileDescriptor, FilePath.Component) throws -> Result
    ) throws -> Result {
        guard let name = path.lastComponent, name.kind == .regular else {
            throw RuntimeError(.internal, "\(path) names nothing below \(directory)")
        }
        let above = path.removingLastComponent()
        guard above != directory else { return try body(root, name) }
        let parent = try open(above, flags: O_DIRECTORY)
        defer { try? parent.close() }
        return try body(parent, name)
    }
}
