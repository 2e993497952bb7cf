// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// Plain file operations on paths, each one or a few system calls, each error naming call and path.
package enum FileSystem {
    /// Whether something stands at the path; a dangling symbolic link does.
    package static func exists(_ path: FilePath) -> Bool {
        var status = stat()
        return lstat(path.string, &status) == 0
    }

    package static func status(_ path: FilePath, followSymbolicLink: Bool = false) throws -> FileStatus {
        var status = stat()
        let result = path.withPlatformString { followSymbolicLink ? stat($0, &status) : lstat($0, &status) }
        guard result == 0 else { throw RuntimeError.systemCall("stat", path, lastErrno) }
        return FileStatus(status)
    }

    package static func status(of descriptor: FileDescriptor) throws -> FileStatus {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0 else { throw RuntimeError.systemCall("fstat", nil, lastErrno) }
        return FileStatus(status)
    }

    /// mkdir(2); an existing path is an error with code `exists`.
    package static func makeDirectory(_ path: FilePath, mode: UInt32 = 0o755) throws {
        guard path.withPlatformString({ mkdir($0, mode) }) == 0 else {
            throw RuntimeError.systemCall("mkdir", path, lastErrno)
        }
    }

    /// Makes a directory and its missing parents; an existing directory is left as it is.
    package static func makeDirectories(_ path: FilePath, mode: UInt32 = 0o755) throws {
        if mkdir(path.string, mode) == 0 { return }
        switch lastErrno {
        case .fileExists:
            guard try status(path, followSymbolicLink: true).type == .directory else {
                throw RuntimeError.systemCall("mkdir", path, .notDirectory)
            }
        case .noSuchFileOrDirectory:
            let parent = path.removingLastComponent()
            guard !parent.isEmpty, parent != path else {
                throw RuntimeError.systemCall("mkdir", path, .noSuchFileOrDirectory)
            }
            try makeDirectories(parent, mode: mode)
            if mkdir(path.string, mode) != 0, lastErrno != .fileExists {
                throw RuntimeError.systemCall("mkdir", path, lastErrno)
            }
        case let error:
            throw RuntimeError.systemCall("mkdir", path, error)
        }
    }

    /// The names in a directory, sorted, without `.` and `..`.
    package static func list(_ path: FilePath) throws -> [String] {
        guard let directory = opendir(path.string) else { throw RuntimeError.systemCall("opendir", path, lastErrno) }
        defer { closedir(directory) }
        return try names(in: directory, path).sorted()
    }

    /// rename(2), or renameat2(2) with RENAME_NOREPLACE (Linux 3.15) when nothing may be replaced.
    package static func rename(_ from: FilePath, to: FilePath, replace: Bool = true) throws {
        let flags: UInt32 = replace ? 0 : UInt32(RKT_RENAME_NOREPLACE)
        try check(rkt_renameat2(AT_FDCWD, from.string, AT_FDCWD, to.string, flags), "rename", from)
    }

    /// unlink(2); a missing file is fine.
    package static func remove(_ path: FilePath) throws {
        if unlink(path.string) != 0, lastErrno != .noSuchFileOrDirectory {
            throw RuntimeError.systemCall("unlink", path, lastErrno)
        }
    }

    package static func makeSymbolicLink(to target: String, at path: FilePath) throws {
        guard symlink(target, path.string) == 0 else { throw RuntimeError.systemCall("symlink", path, lastErrno) }
    }

    package static func readSymbolicLink(_ path: FilePath) throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink(path.string, &buffer, Int(PATH_MAX))
        guard count >= 0 else { throw RuntimeError.systemCall("readlink", path, lastErrno) }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Bytes that an unprivileged writer may still use on the file system that holds the path.
    package static func freeBytes(_ path: FilePath) throws -> UInt64 {
        var type: Int64 = 0
        var free: UInt64 = 0
        try check(rkt_statfs(path.string, &type, &free), "statfs", path)
        return free
    }

    /// The magic number of statfs(2), such as 0xEF53 for ext4.
    package static func type(ofFileSystemAt path: FilePath) throws -> Int64 {
        var type: Int64 = 0
        var free: UInt64 = 0
        try check(rkt_statfs(path.string, &type, &free), "statfs", path)
        return type
    }

    /// Opens a path as if `root` were the root directory: links inside it cannot lead out (openat2(2), RESOLVE_IN_ROOT,
    /// Linux 5.6).
    package static func openInRoot(_ root: FilePath, _ path: FilePath, flags: Int32 = O_RDONLY) throws -> FileDescriptor
    {
        let directory = open(root.string, O_PATH_DIRECTORY)
        guard directory >= 0 else { throw RuntimeError.systemCall("open", root, lastErrno) }
        defer { close(directory) }
        let resolve = UInt64(RKT_RESOLVE_IN_ROOT) | UInt64(RKT_RESOLVE_NO_MAGICLINKS)
        var descriptor = rkt_openat2(directory, path.string, flags, 0, resolve)
        var tries = 1
        // Where the path has "..", a rename or a mount anywhere on the host makes the kernel ask for another try.
        while descriptor == -EAGAIN, tries < mostTries {
            sched_yield()
            tries += 1
            descriptor = rkt_openat2(directory, path.string, flags, 0, resolve)
        }
        return FileDescriptor(rawValue: try check(descriptor, "open", path))
    }

    private static let mostTries = 1000

    static let O_PATH_DIRECTORY = CInt(RKT_O_PATH) | O_DIRECTORY | O_CLOEXEC

    /// Reads the entries of an open directory stream.
    static func names(in directory: OpaquePointer, _ path: FilePath) throws -> [String] {
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                guard errno == 0 else { throw RuntimeError.systemCall("readdir", path, lastErrno) }
                return names
            }
            // SAFETY: d_name is NUL-terminated and lives until the next readdir.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }
}
