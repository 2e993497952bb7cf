// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage

/// Compares directory trees entry by entry: types, owners, modes, links, contents, and times of all but directories.
struct TreeComparison {
    /// Which inode of one side is which of the other: hard links must join the same names.
    private var inodes: [UInt64: UInt64] = [:]

    /// The first path below `first` that differs in `second`, relative to both; nil when the trees are equal.
    ///
    /// - Parameter ignored: names right below the two that do not count.
    static func difference(
        between first: FilePath, and second: FilePath, ignoring ignored: [String] = []
    ) throws -> FilePath? {
        var comparison = TreeComparison()
        return try comparison.differenceInside(first, second, FilePath(), ignored)
    }

    /// Sum of the sizes of everything in a tree, hard links once, its top directory included.
    static func apparentSize(of path: FilePath) throws -> Int64 {
        var seen: Set<UInt64> = []
        return try apparentSize(of: path, &seen)
    }

    private static func apparentSize(of path: FilePath, _ seen: inout Set<UInt64>) throws -> Int64 {
        let status = try FileSystem.status(path)
        guard status.type == .directory else {
            return status.linkCount == 1 || seen.insert(status.inode).inserted ? status.size : 0
        }
        return try FileSystem.list(path).reduce(status.size) { try $0 + apparentSize(of: path.appending($1), &seen) }
    }

    private mutating func differenceInside(
        _ first: FilePath, _ second: FilePath, _ relative: FilePath, _ ignored: [String] = []
    ) throws -> FilePath? {
        let names = try FileSystem.list(first).filter { !ignored.contains($0) }
        let others = try FileSystem.list(second).filter { !ignored.contains($0) }
        if names != others {
            let difference = Set(names).symmetricDifference(others).min() ?? ""
            return relative.appending(difference)
        }
        for name in names {
            let (path, other) = (first.appending(name), second.appending(name))
            let relative = relative.appending(name)
            let (status, otherStatus) = (try FileSystem.status(path), try FileSystem.status(other))
            guard try areEqual(status, otherStatus, path, other) else { return relative }
            if status.type == .directory, let difference = try differenceInside(path, other, relative) {
                return difference
            }
        }
        return nil
    }

    private mutating func areEqual(
        _ first: FileStatus, _ second: FileStatus, _ path: FilePath, _ other: FilePath
    ) throws -> Bool {
        guard first.type == second.type, first.mode == second.mode, first.uid == second.uid, first.gid == second.gid
        else { return false }
        if first.type == .directory { return true }
        guard first.modificationTime == second.modificationTime, first.size == second.size,
            first.linkCount == second.linkCount,
            first.specialDevice == second.specialDevice
        else { return false }
        if first.linkCount > 1 {
            if let known = inodes[first.inode] { return known == second.inode }
            inodes[first.inode] = second.inode
        }
        switch first.type {
        case .regular:
            let capability = "security.capability"
            guard
                try FileSystem.extendedAttribute(capability, of: path)
                    == FileSystem.extendedAttribute(capability, of: other)
            else { return false }
            return try haveEqualContents(path, other)
        case .symbolicLink: return try FileSystem.readSymbolicLink(path) == FileSystem.readSymbolicLink(other)
        case .directory, .fifo, .socket, .characterDevice, .blockDevice: return true
        }
    }

    private func haveEqualContents(_ first: FilePath, _ second: FilePath) throws -> Bool {
        let (file, other) = (try open(first), try open(second))
        defer {
            try? file.close()
            try? other.close()
        }
        let size = 64 << 10
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * size, alignment: 64)
        defer { buffer.deallocate() }
        let left = UnsafeMutableRawBufferPointer(rebasing: buffer[..<size])
        let right = UnsafeMutableRawBufferPointer(rebasing: buffer[size...])
        do {
            while true {
                let count = try file.read(into: left)
                // SAFETY: both halves hold `size` bytes, and no read yields more.
                guard try other.read(into: right) == count else { return false }
                if count == 0 { return true }
                guard let bytes = left.baseAddress, let others = right.baseAddress, memcmp(bytes, others, count) == 0
                else { return false }
            }
        } catch let error as Errno {
            throw RuntimeError.systemCall("read", first, error)
        }
    }

    private func open(_ path: FilePath) throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
    }
}
