// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage

/// Compares directory trees entry by entry: types, owners, modes, links, contents, attributes, and times of all but
/// directories.
struct TreeComparison {
    /// Two directories, or two files in them, that should be equal.
    private struct Pair {
        let first: FilePath
        let second: FilePath
        /// Where both are below their tops.
        let relative: FilePath

        func appending(_ name: FilePath.Component) -> Pair {
            Pair(first: first.appending(name), second: second.appending(name), relative: relative.appending(name))
        }
    }

    /// Which inode of one side is which of the other: hard links must join the same names.
    private var inodes: [UInt64: UInt64] = [:]

    /// The first path below `first` that differs in `second`, relative to both; nil when the trees are equal.
    ///
    /// - Parameter ignored: names right below the two that do not count.
    static func difference(
        between first: FilePath, and second: FilePath, ignoring ignored: [String] = []
    ) throws -> FilePath? {
        var comparison = TreeComparison()
        return try comparison.differenceInside(Pair(first: first, second: second, relative: FilePath()), ignored)
    }

    /// Sum of the sizes of everything in a tree, hard links once, its top directory included.
    static func apparentSize(of path: FilePath) throws -> Int64 {
        var seen: Set<UInt64> = []
        return try apparentSize(of: path, &seen)
    }

    private static func apparentSize(of path: FilePath, _ seen: inout Set<UInt64>) throws -> Int64 {
        let directory = try open(path, [.directory])
        defer { try? directory.close() }
        return try attempt("read", path) {
            var sum = try FileSystem.status(of: directory).size
            for name in try FileSystem.names(in: directory) {
                let status = try FileSystem.status(name, in: directory)
                if status.type == .directory {
                    sum += try apparentSize(of: path.appending(name), &seen)
                } else if status.linkCount == 1 || seen.insert(status.inode).inserted {
                    sum += status.size
                }
            }
            return sum
        }
    }

    // MARK: - Comparing

    private mutating func differenceInside(_ pair: Pair, _ ignored: [String] = []) throws -> FilePath? {
        let first = try TreeComparison.open(pair.first, [.directory])
        defer { try? first.close() }
        let second = try TreeComparison.open(pair.second, [.directory])
        defer { try? second.close() }
        let (names, others) = try TreeComparison.attempt("read", pair.first) {
            (Set(try FileSystem.names(in: first)), Set(try FileSystem.names(in: second)))
        }
        let differing = names.symmetricDifference(others).filter { !ignored.contains($0.string) }
        if let name = differing.first { return pair.relative.appending(name) }
        for name in names where !ignored.contains(name.string) {
            let pair = pair.appending(name)
            let (status, other) = try TreeComparison.attempt("stat", pair.first) {
                (try FileSystem.status(name, in: first), try FileSystem.status(name, in: second))
            }
            let isSame = try TreeComparison.attempt("read", pair.first) {
                try areEqual(status, other, name, (first, second), pair)
            }
            guard isSame else { return pair.relative }
            if status.type == .directory, let difference = try differenceInside(pair) { return difference }
        }
        return nil
    }

    private mutating func areEqual(
        _ first: FileStatus, _ second: FileStatus, _ name: FilePath.Component,
        _ parents: (FileDescriptor, FileDescriptor), _ pair: Pair
    ) throws -> Bool {
        guard first.type == second.type, first.mode == second.mode, first.uid == second.uid, first.gid == second.gid
        else { return false }
        if first.type == .directory { return try haveEqualAttributes(pair) }
        guard first.modificationTime == second.modificationTime, first.size == second.size,
            first.linkCount == second.linkCount, first.specialDevice == second.specialDevice
        else { return false }
        if first.linkCount > 1 {
            if let known = inodes[first.inode] { return known == second.inode }
            inodes[first.inode] = second.inode
        }
        switch first.type {
        case .regular: return try haveEqualAttributes(pair) && haveEqualContents(pair)
        case .symbolicLink:
            return try FileSystem.readSymbolicLink(name, in: parents.0)
                == FileSystem.readSymbolicLink(name, in: parents.1)
        case .directory, .fifo, .socket, .characterDevice, .blockDevice: return true
        }
    }

    /// Capabilities and `user.` attributes: those that rendering restores.
    private func haveEqualAttributes(_ pair: Pair) throws -> Bool {
        try TreeComparison.attributes(of: pair.first) == TreeComparison.attributes(of: pair.second)
    }

    private static func attributes(of path: FilePath) throws -> [String: [UInt8]] {
        try ExtendedAttributes.names(path).filter { $0 == "security.capability" || $0.hasPrefix("user.") }
            .reduce(into: [:]) { $0[$1] = try ExtendedAttributes.value($1, of: path) }
    }

    private func haveEqualContents(_ pair: Pair) throws -> Bool {
        let (file, other) = (try TreeComparison.open(pair.first), try TreeComparison.open(pair.second))
        defer {
            try? file.close()
            try? other.close()
        }
        let size = 64 << 10
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * size, alignment: 64)
        defer { buffer.deallocate() }
        let left = UnsafeMutableRawBufferPointer(rebasing: buffer[..<size])
        let right = UnsafeMutableRawBufferPointer(rebasing: buffer[size...])
        while true {
            let count = try file.read(into: left)
            // SAFETY: both halves hold `size` bytes, and no read yields more.
            guard try other.read(into: right) == count else { return false }
            if count == 0 { return true }
            guard let bytes = left.baseAddress, let others = right.baseAddress, memcmp(bytes, others, count) == 0
            else { return false }
        }
    }

    private static func open(
        _ path: FilePath, _ options: FileDescriptor.OpenOptions = []
    ) throws -> FileDescriptor {
        try attempt("open", path) {
            try FileDescriptor.open(path, .readOnly, options: options.union([.closeOnExec, .noFollow]))
        }
    }

    /// Names the path in the error of a bare system call.
    private static func attempt<Value>(_ call: String, _ path: FilePath, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as Errno {
            throw RuntimeError.systemCall(call, path, error)
        }
    }
}
