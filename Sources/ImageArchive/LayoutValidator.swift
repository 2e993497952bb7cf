// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// Applies the layout rules of an image archive (appc 0.8.11, image archives) to its entries, one after the other.
struct LayoutValidator {
    /// Where an entry belongs.
    enum Part { case archiveRoot, manifest, rootfs }

    private let name: String
    private var hasManifest = false
    private var hasRoot = false
    private var names = NameSet()

    init(name: String) { self.name = name }

    mutating func admit(_ entry: ArchiveEntry) throws -> Part {
        let path = entry.path
        if path.isEmpty { return .archiveRoot }
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
            throw broken("\"\(path)\" is neither \"manifest\" nor in \"rootfs\", and an image holds nothing else")
        }
        guard names.insert(path) else { throw broken("\"\(path)\" appears twice") }
        switch entry.kind {
        case .hardLink(let target) where !target.starts(with: ArchiveName.root):
            throw broken("\"\(path)\" is a hard link to \"\(target)\", outside \"rootfs\"")
        case .unknown: throw broken("\"\(path)\" is of a type that an image cannot hold")
        default: return .rootfs
        }
    }

    /// Checks what can only be known after the last entry.
    func finish() throws {
        guard hasManifest else { throw broken("it holds no \"manifest\" file") }
        guard hasRoot else { throw broken("it holds no entry for the \"rootfs\" directory") }
    }

    private func broken(_ reason: String) -> RuntimeError {
        RuntimeError(.invalidArgument, "\(name) is not a valid image: \(reason)")
    }
}

/// Names already seen, 16 bytes for each however long it is.
private struct NameSet {
    private struct Key: Hashable {
        let first: Int
        let second: Int
    }
    private var keys: Set<Key> = []

    /// False when the name was there.
    ///
    /// The two hashes are keyed at random for each process, so nobody can make an image whose names collide.
    mutating func insert(_ path: FilePath) -> Bool {
        keys.insert(Key(first: hash(path, 1), second: hash(path, 2))).inserted
    }

    private func hash(_ path: FilePath, _ number: UInt8) -> Int {
        var hasher = Hasher()
        hasher.combine(number)
        hasher.combine(path)
        return hasher.finalize()
    }
}
