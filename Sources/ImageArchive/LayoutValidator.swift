// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import SystemPackage

/// Applies the layout rules of an image archive (appc 0.8.11, image archives) to its entries, one after the other.
///
/// What no file system could hold is refused, too, so that an image that is accepted can be rendered.
struct LayoutValidator {
    /// Where an entry belongs.
    enum Part { case archiveRoot, manifest, rootfs }

    private let name: String
    private let limits: ArchiveLimits
    private var hasManifest = false
    private var hasRoot = false
    private var names = NameSet()
    private var directories = NameSet()
    /// Directories without an entry so far that others need.
    private var implied = NameSet()
    private var lastParent: FilePath?
    private var links = HardLinkCheck()
    private var nameBytes = 0

    init(name: String, limits: ArchiveLimits) {
        self.name = name
        self.limits = limits
    }

    /// - Parameter attributes: the entry's extended attributes.
    mutating func admit(_ entry: ArchiveEntry, _ attributes: [(name: String, value: [UInt8])]) throws -> Part {
        let path = entry.path
        if path.isEmpty {
            guard entry.isDirectory else { throw broken("an entry without a name is not a directory") }
            return .archiveRoot
        }
        if path == ArchiveName.manifest {
            guard case .file = entry.kind else { throw broken("\"manifest\" is not a regular file") }
            guard !hasManifest else { throw broken("\"manifest\" appears twice") }
            hasManifest = true
            return .manifest
        }
        if path == ArchiveName.root {
            guard entry.isDirectory else { throw broken("\"rootfs\" is not a directory") }
            guard !hasRoot else { throw broken("\"rootfs\" appears twice") }
            hasRoot = true
            return .rootfs
        }
        guard path.starts(with: ArchiveName.root) else {
            throw broken(
                "\(ArchiveName.quoted(path)) is neither \"manifest\" nor in \"rootfs\", and an image holds nothing else"
            )
        }
        try checkName(path)
        let key = NameSet.Key(path)
        guard names.insert(key) else { throw broken("\(ArchiveName.quoted(path)) appears twice") }
        implied.remove(key)
        if entry.isDirectory { _ = directories.insert(key) }
        try noteParents(of: path)
        try checkKind(entry, key)
        for (attribute, value) in attributes where ExtendedAttributePolicy.restores(attribute, on: entry.kind) {
            if let problem = ExtendedAttributePolicy.problem(attribute, value) {
                throw broken("\(ArchiveName.quoted(path)) has \(problem)")
            }
        }
        return .rootfs
    }

    /// Checks what can only be known after the last entry.
    mutating func finish() throws {
        guard hasManifest else { throw broken("it holds no \"manifest\" file") }
        guard hasRoot else { throw broken("it holds no entry for the \"rootfs\" directory") }
        let names = names
        let directories = directories
        if let problem = links.problem(isFile: { names.contains($0) && !directories.contains($0) }) {
            throw broken(problem)
        }
    }

    // MARK: - Names

    private mutating func checkName(_ path: FilePath) throws {
        var depth = 0
        for component in path.components {
            depth += 1
            let length = component.withPlatformString { strlen($0) }
            guard length <= 255 else {
                throw broken("\(ArchiveName.quoted(path)) has a part of \(length) bytes, and 255 are the most")
            }
        }
        guard depth <= ArchiveLimits.depth else {
            throw broken("\(ArchiveName.quoted(path)) is nested deeper than \(ArchiveLimits.depth), the most allowed")
        }
        try count(path)
    }

    private mutating func count(_ path: FilePath) throws {
        nameBytes += path.length
        guard nameBytes <= ArchiveLimits.nameBytes else {
            throw broken("its names have more than \(ArchiveLimits.nameBytes) bytes together, the most allowed")
        }
    }

    /// Counts the directories that a name needs as if they had entries.
    private mutating func noteParents(of path: FilePath) throws {
        var parent = path.removingLastComponent()
        if parent == lastParent { return }
        lastParent = parent
        while parent != ArchiveName.root {
            let key = NameSet.Key(parent)
            guard !names.contains(key), implied.insert(key) else { break }
            try count(parent)
            parent = parent.removingLastComponent()
        }
        guard names.count + implied.count <= limits.entries else { throw limits.tooManyEntries(name) }
    }

    // MARK: - Kinds

    private mutating func checkKind(_ entry: ArchiveEntry, _ key: NameSet.Key) throws {
        let shown = ArchiveName.quoted(entry.path)
        switch entry.kind {
        case .hardLink(let target):
            guard target.starts(with: ArchiveName.root) else {
                throw broken("\(shown) is a hard link to \(ArchiveName.quoted(target)), outside \"rootfs\"")
            }
            try count(target)
            let targetKey = NameSet.Key(target)
            guard target != ArchiveName.root, !directories.contains(targetKey) else {
                throw broken("\(shown) is a hard link to the directory \(ArchiveName.quoted(target))")
            }
            let isSettled = targetKey != key && names.contains(targetKey) && !links.isWaiting(targetKey)
            links.add(entry.path, key, to: target, isSettled: isSettled)
        case .symbolicLink(let target):
            // The text ends with a NUL.
            guard (2...4096).contains(target.count) else {
                throw broken(
                    "\(shown) is a symbolic link with a text of \(target.count - 1) bytes, which no system holds")
            }
        case .characterDevice(let major, let minor), .blockDevice(let major, let minor):
            guard major < 1 << 12, minor < 1 << 20 else {
                throw broken("\(shown) is a device with the number \(major):\(minor), which Linux does not have")
            }
        case .unknown: throw broken("\(shown) is of a type that an image cannot hold")
        case .file, .directory, .fifo: break
        }
    }

    private func broken(_ reason: String) -> RuntimeError {
        RuntimeError(.invalidArgument, "\(name) is not a valid image: \(reason)")
    }
}
