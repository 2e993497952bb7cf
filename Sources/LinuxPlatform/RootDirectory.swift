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
    /// The mounts in which places may be made, as `FileDescriptor.mountID` tells them; nil for all.
    package var ownMounts: Set<UInt64>?

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

    /// Whether something may be made in a directory.
    package func mayMake(in directory: FileDescriptor) throws -> Bool {
        guard let ownMounts else { return true }
        return ownMounts.contains(try directory.mountID)
    }

    private func requireOwn(_ parent: FileDescriptor, _ path: String) throws {
        guard try !mayMake(in: parent) else { return }
        throw RuntimeError(
            .unsupported,
            "there is no \(FilePath("/").pushing(FilePath(path))), and nothing is made in what is mounted there; make it first"
        )
    }

    /// What is there, nil when nothing is.
    private func found(_ path: String, flags: CInt = 0) throws -> FileDescriptor? {
        do {
            return try open(path, flags: flags)
        } catch let error as RuntimeError where error.code == .notFound {
            return nil
        }
    }

    /// - Parameter links: how many dangling links may still be followed to what they name.
    private func directory(_ path: String, mode: UInt32, links: Int) throws -> FileDescriptor {
        if let found = try found(path, flags: O_DIRECTORY) { return found }
        guard let name = FilePath(path).lastComponent?.string else { return try open("/", flags: O_DIRECTORY) }
        let parent = try directory(FilePath(path).removingLastComponent().string, mode: 0o755, links: links)
        defer { try? parent.close() }
        if let target = danglingLink(parent, path, links) { return try directory(target, mode: mode, links: links - 1) }
        try requireOwn(parent, path)
        guard mkdirat(parent.rawValue, name, mode) == 0 else {
            guard lastErrno == .fileExists else { throw RuntimeError.systemCall("mkdir", FilePath(path), lastErrno) }
            // Somebody else's: it stays as it is.
            return try open(path, flags: O_DIRECTORY)
        }
        // Not by its name: an image's link in its place would be followed out of the root.
        let number = openat(parent.rawValue, name, CInt(RKT_O_PATH) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw RuntimeError.systemCall("open", FilePath(path), lastErrno) }
        let made = FileDescriptor(rawValue: number)
        guard chmod(made.path.string, mode) == 0 else {
            let error = lastErrno
            try? made.close()
            throw RuntimeError.systemCall("chmod", FilePath(path), error)
        }
        return made
    }

    private func file(_ path: String, links: Int) throws -> FileDescriptor {
        if let found = try found(path) { return found }
        guard let name = FilePath(path).lastComponent?.string else { return try open("/") }
        let parent = try directory(FilePath(path).removingLastComponent().string, mode: 0o755, links: links)
        defer { try? parent.close() }
        if let target = danglingLink(parent, path, links) { return try file(target, links: links - 1) }
        try requireOwn(parent, path)
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

    /// The number of the mount that this descriptor's file was found in (`mnt_id` of proc(5)).
    package var mountID: UInt64 {
        get throws {
            let file: FilePath = "/proc/self/fdinfo"
            let text = try FileSystem.readText(file.appending("\(rawValue)"), limit: 1 << 16)
            let line = text.split(separator: "\n").first { $0.hasPrefix("mnt_id:") }
            guard let id = line.flatMap({ UInt64($0.dropFirst(7).filter(\.isNumber)) }) else {
                throw RuntimeError(.internal, "\(file)/\(rawValue) does not tell the mount")
            }
            return id
        }
    }
}
