// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage

/// Writes archive entries below one directory, and nowhere else.
///
/// Everything happens relative to the directory's descriptor. Parents are opened without following any symbolic link:
/// an entry beneath a link that the archive made is dropped, as the rules of rendering say. Owner, mode, attributes and
/// times come out as in the archive whatever the umask; without root privilege files belong to the caller and lose
/// their set-ID bits.
final class TreeWriter {
    /// Whether an entry now stands in the tree.
    enum Outcome { case written, dropped }

    /// Sum of the sizes of everything written, hard links once, directories as the file system counts them. Directories
    /// count when `finish()` has run.
    private(set) var apparentSize: Int64 = 0
    let root: FileDescriptor
    private let name: String
    private let isPrivileged = geteuid() == 0
    /// The directory the last entry went to: archives list the files of one directory together.
    private var lastParent: (path: FilePath, descriptor: FileDescriptor)?
    /// Directories whose mode and times are set when nothing is written to them any more.
    private var directories: [(path: FilePath, mode: UInt32, times: FileSystem.Times)] = []
    /// The disk gets its work in portions, so that little of it is left when everything is synced.
    private static let portion: Int64 = 8 << 20
    /// Less than this waits for that: a call for each small file would cost more than it saves.
    private static let smallestPortion: Int64 = 1 << 20
    /// Directories made because an entry needed them.
    private var impliedDirectories: Set<FilePath> = []

    /// - Parameters:
    ///   - root: an empty directory; stays the caller's.
    ///   - name: what messages call the tree.
    init(root: FileDescriptor, name: String) {
        self.root = root
        self.name = name
    }

    deinit { try? lastParent?.descriptor.close() }

    /// Writes one entry other than a hard link.
    ///
    /// - Parameters:
    ///   - path: relative to the root; empty for the root itself.
    ///   - reader: stands at the entry.
    func write(_ entry: ArchiveEntry, at path: FilePath, from reader: TarReader) throws -> Outcome {
        guard let leaf = path.lastComponent else {
            if entry.isDirectory { try adoptRoot(entry, reader.extendedAttributes()) }
            return .written
        }
        guard let parent = try openParent(of: path) else { return .dropped }
        do {
            try make(entry, leaf, in: parent, path, from: reader)
            return .written
        } catch let error as Errno {
            if error == .fileExists, impliedDirectories.contains(path) {
                guard entry.isDirectory else { return .dropped }
                try attempt("chown", path) { try setOwner(entry, leaf, in: parent) }
                try setAttributes(of: entry, reader.extendedAttributes(), leaf, in: parent)
                impliedDirectories.remove(path)
                return .written
            }
            throw failure("write", path, error)
        }
    }

    /// Gives a file of the tree one more name; false when `target` is not there.
    func link(_ path: FilePath, to target: FilePath) throws -> Bool {
        guard let leaf = path.lastComponent, let targetLeaf = target.lastComponent else { return false }
        let targetParent: FileDescriptor
        do {
            targetParent = try FileSystem.openDirectory(target.removingLastComponent(), beneath: root)
        } catch .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels {
            return false
        } catch {
            throw failure("open", target, error)
        }
        defer { try? targetParent.close() }
        guard let parent = try openParent(of: path) else { return true }
        do {
            try FileSystem.makeHardLink(to: targetLeaf, in: targetParent, leaf, in: parent)
            return true
        } catch .noSuchFileOrDirectory {
            return false
        } catch .fileExists where impliedDirectories.contains(path) {
            return true
        } catch {
            throw failure("link", path, error)
        }
    }

    /// Sets what had to wait: modes and times of directories.
    func finish() throws {
        for directory in directories.reversed() {
            try attempt("write", directory.path) {
                let descriptor = try FileSystem.openDirectory(directory.path, beneath: root)
                defer { try? descriptor.close() }
                try FileSystem.setMode(directory.mode, of: descriptor)
                try FileSystem.setTimes(directory.times, of: descriptor)
                try addSize(ofDirectory: descriptor)
            }
        }
        for path in impliedDirectories {
            try attempt("open", path) {
                let descriptor = try FileSystem.openDirectory(path, beneath: root)
                defer { try? descriptor.close() }
                try addSize(ofDirectory: descriptor)
            }
        }
        directories = []
        impliedDirectories = []
    }

    // MARK: - Making entries

    private func make(
        _ entry: ArchiveEntry, _ leaf: FilePath.Component, in parent: FileDescriptor, _ path: FilePath,
        from reader: TarReader
    ) throws {
        switch entry.kind {
        case .file:
            let file = try FileSystem.makeFile(leaf, in: parent)
            defer { try? file.close() }
            try fill(file, entry, path, from: reader)
            apparentSize += entry.size
            return
        case .directory:
            directories.append((path, entry.mode, entry.times))
            try FileSystem.makeDirectory(leaf, in: parent, mode: 0o700)
            try setOwner(entry, leaf, in: parent)
            try setAttributes(of: entry, reader.extendedAttributes(), leaf, in: parent)
            return
        case .symbolicLink(let target):
            try FileSystem.makeSymbolicLink(to: target, leaf, in: parent)
            apparentSize += Int64(target.count - 1)
            try setOwner(entry, leaf, in: parent)
            try setAttributes(of: entry, reader.extendedAttributes(), leaf, in: parent)
        case .fifo:
            try FileSystem.makeNode(.fifo, leaf, in: parent)
            try setOwner(entry, leaf, in: parent)
            try FileSystem.setMode(safeMode(entry), leaf, in: parent)
        case .characterDevice(let major, let minor):
            try FileSystem.makeNode(.characterDevice, major: major, minor: minor, leaf, in: parent)
            try setOwner(entry, leaf, in: parent)
            try FileSystem.setMode(safeMode(entry), leaf, in: parent)
        case .blockDevice(let major, let minor):
            try FileSystem.makeNode(.blockDevice, major: major, minor: minor, leaf, in: parent)
            try setOwner(entry, leaf, in: parent)
            try FileSystem.setMode(safeMode(entry), leaf, in: parent)
        case .hardLink, .unknown:
            throw RuntimeError(
                .invalidArgument, "\(name): \(ArchiveName.quoted(path)) is of a type that cannot be written")
        }
        try FileSystem.setTimes(entry.times, leaf, in: parent)
    }

    private func fill(
        _ file: FileDescriptor, _ entry: ArchiveEntry, _ path: FilePath, from reader: TarReader
    ) throws {
        var end: Int64 = 0
        var flushed: Int64 = 0
        while let block = try reader.nextBlock() {
            var rest = block.bytes
            var offset = block.offset
            while !rest.isEmpty {
                let count = try file.write(toAbsoluteOffset: offset, rest)
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                offset += Int64(count)
            }
            end = max(end, offset)
            if end - flushed >= TreeWriter.portion {
                FileSystem.startWriteback(of: file, flushed..<end)
                flushed = end
            }
        }
        if end - flushed >= TreeWriter.smallestPortion { FileSystem.startWriteback(of: file, flushed..<end) }
        if end < entry.size { try FileSystem.setSize(entry.size, of: file) }
        if isPrivileged { try FileSystem.setOwner(entry.uid, entry.gid, of: file) }
        // After the owner: chown(2) clears the set-ID bits and file capabilities.
        try FileSystem.setMode(safeMode(entry), of: file)
        try setAttributes(of: entry, reader.extendedAttributes()) { attribute, value throws(Errno) in
            try FileSystem.setExtendedAttribute(attribute, value, of: file)
        }
        try FileSystem.setTimes(entry.times, of: file)
    }

    private func setAttributes(
        of entry: ArchiveEntry, _ attributes: [(name: String, value: [UInt8])], _ leaf: FilePath.Component,
        in parent: FileDescriptor
    ) throws {
        try setAttributes(of: entry, attributes) { attribute, value throws(Errno) in
            try FileSystem.setExtendedAttribute(attribute, value, leaf, in: parent)
        }
    }

    /// Restores the extended attributes that may reach a tree.
    private func setAttributes(
        of entry: ArchiveEntry, _ attributes: [(name: String, value: [UInt8])],
        _ set: (String, [UInt8]) throws(Errno) -> Void
    ) throws {
        for (attribute, value) in attributes where ExtendedAttributePolicy.restores(attribute, on: entry.kind) {
            let isUser = attribute.hasPrefix("user.")
            guard isUser || isPrivileged else { continue }
            do {
                try set(attribute, value)
            } catch  where error == .notSupported && attribute != ExtendedAttributePolicy.capability {
                // tmpfs before Linux 6.6 has no attributes of users.
            } catch  where error == .notPermitted && attribute.hasPrefix("trusted.") {
                // Root of a user namespace may not.
            } catch {
                throw failure("set \(ScalarError.quoted(attribute)) of", entry.path, error)
            }
        }
    }

    private func adoptRoot(_ entry: ArchiveEntry, _ attributes: [(name: String, value: [UInt8])]) throws {
        let root = root
        try setAttributes(of: entry, attributes) { attribute, value throws(Errno) in
            try FileSystem.setExtendedAttribute(attribute, value, of: root)
        }
        if isPrivileged { try attempt("chown", FilePath()) { try FileSystem.setOwner(entry.uid, entry.gid, of: root) } }
        directories.append((FilePath(), entry.mode, entry.times))
    }

    private func setOwner(
        _ entry: ArchiveEntry, _ leaf: FilePath.Component, in parent: FileDescriptor
    ) throws(Errno) {
        if isPrivileged { try FileSystem.setOwner(entry.uid, entry.gid, leaf, in: parent) }
    }

    private func safeMode(_ entry: ArchiveEntry) -> UInt32 { isPrivileged ? entry.mode : entry.mode & 0o1777 }

    private func addSize(ofDirectory descriptor: FileDescriptor) throws {
        apparentSize += try FileSystem.status(of: descriptor).size
    }

    // MARK: - Parents

    /// Opens the directory that holds a path, making what is missing; nil when one of its parents is no directory.
    private func openParent(of path: FilePath) throws -> FileDescriptor? {
        let parent = path.removingLastComponent()
        if parent.isEmpty { return root }
        if let lastParent, lastParent.path == parent { return lastParent.descriptor }
        guard let descriptor = try openDirectory(parent) else { return nil }
        try? lastParent?.descriptor.close()
        lastParent = (parent, descriptor)
        return descriptor
    }

    private func openDirectory(_ path: FilePath) throws -> FileDescriptor? {
        do {
            return try FileSystem.openDirectory(path, beneath: root)
        } catch .noSuchFileOrDirectory {
            guard let leaf = path.lastComponent, let parent = try openParent(of: path) else { return nil }
            try attempt("mkdir", path) {
                try FileSystem.makeDirectory(leaf, in: parent, mode: 0o755)
                try FileSystem.setMode(0o755, leaf, in: parent)
            }
            impliedDirectories.insert(path)
            return try openDirectory(path)
        } catch .notDirectory, .tooManySymbolicLinkLevels {
            return nil
        } catch {
            throw failure("open", path, error)
        }
    }

    // MARK: - Errors

    private func attempt(_ action: String, _ path: FilePath, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as Errno {
            throw failure(action, path, error)
        }
    }

    private func failure(_ action: String, _ path: FilePath, _ error: Errno) -> RuntimeError {
        var remedy = ""
        if error == .noSpace { remedy = "; free some space and try again" }
        if error == .notPermitted, !isPrivileged { remedy = "; this needs root" }
        let code = RuntimeError.systemCall(action, nil, error).code
        return RuntimeError(code, "\(name): cannot \(action) \(ArchiveName.quoted(path)): \(error.text)\(remedy)")
    }
}
