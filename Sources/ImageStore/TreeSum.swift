// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage

/// Sums over a directory tree, which tell whether it is what it was.
///
/// Names are taken in the order of their bytes. The directory itself counts with its mode only.
struct TreeSum {
    /// What a sum is made of.
    private enum Kind {
        /// What apps could see: types, modes, owners, links, contents, extended attributes, times but of directories.
        case contents
        /// What stat(2) tells, the time of the last change of anything in it: nothing is read.
        case facts
    }

    /// A sum of everything that apps could see of a tree.
    ///
    /// - Parameter ignored: names right below the tree that do not count.
    static func checksum(of path: FilePath, ignoring ignored: [String]) throws -> String {
        var sum = TreeSum(.contents)
        return try sum.run(path, ignored)
    }

    /// A sum of what stat(2) tells, for which nothing is read. As long as it stays the same, so does the checksum, if all
    /// changes are made through the file system.
    ///
    /// - Returns: the sum, and the time of the latest change of anything, in nanoseconds since 1970.
    static func stamp(of path: FilePath, ignoring ignored: [String]) throws -> (stamp: String, latest: Int64) {
        var sum = TreeSum(.facts)
        let stamp = try sum.run(path, ignored)
        return (stamp, sum.latest)
    }

    private let kind: Kind
    private var hash = SHA512()
    private var latest: Int64 = 0
    /// Files with several names, numbered in the order in which they were met.
    private var links: [UInt64: Int] = [:]

    private init(_ kind: Kind) { self.kind = kind }

    private mutating func run(_ path: FilePath, _ ignored: [String]) throws -> String {
        let directory: FileDescriptor
        do {
            directory = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec, .noFollow])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
        defer { try? directory.close() }
        add(try FileSystem.status(of: directory).mode)
        try addContents(of: directory, path, ignored)
        return ImageID(digest: hash.finalize()).key
    }

    private mutating func addContents(of directory: FileDescriptor, _ path: FilePath, _ ignored: [String] = []) throws {
        let names = try attempt("read", path) { try FileSystem.names(in: directory) }
            .filter { !ignored.contains($0.string) }
        let sorted = names.map { ($0, TreeSum.bytes(of: $0)) }.sorted { $0.1.lexicographicallyPrecedes($1.1) }
        add(sorted.count)
        for (name, bytes) in sorted {
            add(bytes.count)
            hash.update(data: bytes)
            try add(name, in: directory, path.appending(name))
        }
    }

    private mutating func add(_ name: FilePath.Component, in directory: FileDescriptor, _ path: FilePath) throws {
        let status = try attempt("stat", path) { try FileSystem.status(name, in: directory) }
        addFacts(status)
        if status.type == .directory {
            let opened = try attempt("open", path) {
                try FileSystem.openDirectory(FilePath(root: nil, [name]), beneath: directory)
            }
            defer { try? opened.close() }
            return try addContents(of: opened, path)
        }
        guard kind == .contents, !isKnownLink(status) else { return }
        switch status.type {
        case .symbolicLink:
            let target = try attempt("readlink", path) { try FileSystem.readSymbolicLink(name, in: directory) }
            hash.update(data: target)
        case .regular:
            try addAttributes(of: path)
            let file = try attempt("open", path) { try FileSystem.openFile(name, in: directory) }
            defer { try? file.close() }
            try addBytes(of: file, path)
        case .directory, .fifo, .socket, .characterDevice, .blockDevice: break
        }
    }

    private mutating func addFacts(_ status: FileStatus) {
        add(TreeSum.number(of: status.type))
        add(status.mode)
        add(status.uid)
        add(status.gid)
        add(status.specialDevice)
        if status.type != .directory {
            add(status.size)
            add(status.modificationTime)
            add(status.linkCount)
        }
        guard kind == .facts else { return }
        add(status.inode)
        add(status.changeTime)
        latest = max(latest, status.changeTime)
    }

    /// Adds which file it is, when it has several names; true when its contents were added with another one.
    private mutating func isKnownLink(_ status: FileStatus) -> Bool {
        guard status.linkCount > 1 else { return false }
        if let number = links[status.inode] {
            add(number)
            return true
        }
        links[status.inode] = links.count
        add(links.count - 1)
        return false
    }

    private mutating func addAttributes(of path: FilePath) throws {
        let names = try ExtendedAttributes.names(path).filter { $0 == "security.capability" || $0.hasPrefix("user.") }
        add(names.count)
        for name in names.sorted() {
            let value = try ExtendedAttributes.value(name, of: path) ?? []
            for bytes in [Array(name.utf8), value] {
                add(bytes.count)
                hash.update(data: bytes)
            }
        }
    }

    private mutating func addBytes(of file: FileDescriptor, _ path: FilePath) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = try attempt("read", path) { try file.read(into: buffer) }
            if count == 0 { return }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    private mutating func add(_ number: some FixedWidthInteger) {
        let value = UInt64(truncatingIfNeeded: number).littleEndian
        withUnsafeBytes(of: value) { hash.update(bufferPointer: $0) }
    }

    private static func number(of type: LinuxPlatform.FileType) -> Int {
        switch type {
        case .regular: 0
        case .directory: 1
        case .symbolicLink: 2
        case .fifo: 3
        case .socket: 4
        case .characterDevice: 5
        case .blockDevice: 6
        }
    }

    private static func bytes(of name: FilePath.Component) -> [UInt8] {
        name.withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
    }

    /// Names the path in the error of a bare system call.
    private func attempt<Value>(_ call: String, _ path: FilePath, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as Errno {
            throw RuntimeError.systemCall(call, path, error)
        }
    }
}
