// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// The root directory of an app, in which places are found and made for what is mounted.
///
/// Every path inside it belongs to the image: it is opened with this directory as root directory, so that its symbolic
/// links cannot lead out.
package struct RootDirectory: Sendable {
    package let path: FilePath

    package init(_ path: FilePath) { self.path = path }

    package func exists(_ path: String) -> Bool {
        guard let file = try? open(path) else { return false }
        try? file.close()
        return true
    }

    /// Opens what is there to be named, not to be read (`O_PATH` of open(2)).
    package func open(_ path: String, flags: CInt = 0) throws -> FileDescriptor {
        try FileSystem.openInRoot(self.path, FilePath(path), flags: CInt(RKT_O_PATH) | O_CLOEXEC | flags)
    }

    /// As many as the kernel follows (path_resolution(7)).
    private static let mostLinks = 40

    /// Opens a directory, made with its parents when missing.
    package func directory(_ path: String, mode: UInt32 = 0o755) throws -> FileDescriptor {
        try directory(path, mode: mode, links: Self.mostLinks)
    }

    /// Opens a file, made empty when missing.
    package func file(_ path: String) throws -> FileDescriptor { try file(path, links: Self.mostLinks) }

    /// - Parameter links: how many dangling links may still be followed to what they name.
    private func directory(_ path: String, mode: UInt32, links: Int) throws -> FileDescriptor {
        if let found = try? open(path, flags: O_DIRECTORY) { return found }
        guard let name = FilePath(path).lastComponent?.string else { return try open("/", flags: O_DIRECTORY) }
        let parent = try directory(FilePath(path).removingLastComponent().string, mode: 0o755, links: links)
        defer { try? parent.close() }
        if let target = danglingLink(parent, path, links) { return try directory(target, mode: mode, links: links - 1) }
        if mkdirat(parent.rawValue, name, mode) != 0, lastErrno != .fileExists {
            throw RuntimeError.systemCall("mkdir", FilePath(path), lastErrno)
        }
        _ = fchmodat(parent.rawValue, name, mode, 0)
        return try open(path, flags: O_DIRECTORY)
    }

    private func file(_ path: String, links: Int) throws -> FileDescriptor {
        if let found = try? open(path) { return found }
        guard let name = FilePath(path).lastComponent?.string else { return try open("/") }
        let parent = try directory(FilePath(path).removingLastComponent().string)
        defer { try? parent.close() }
        if let target = danglingLink(parent, path, links) { return try file(target, links: links - 1) }
        let made = openat(parent.rawValue, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard made >= 0 else { throw RuntimeError.systemCall("create", FilePath(path), lastErrno) }
        close(made)
        return try open(path)
    }

    /// What a symbolic link that leads to nothing names, within the root.
    private func danglingLink(_ parent: FileDescriptor, _ path: String, _ links: Int) -> String? {
        let link = FilePath(path)
        guard links > 0, let name = link.lastComponent,
            let target = try? FileSystem.readSymbolicLink(parent.path.appending(name))
        else { return nil }
        return link.removingLastComponent().pushing(FilePath(target)).string
    }
}

extension FileDescriptor {
    /// A path that names what this descriptor has open.
    package var path: FilePath { FilePath("/proc/self/fd/\(rawValue)") }
}
