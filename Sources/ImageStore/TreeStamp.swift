// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage

/// A sum of what stat(2) tells of everything in a directory tree, the time of the last change among it: nothing is read.
/// As long as it stays the same, so does the tree, if all changes are made through the file system.
///
/// Names are taken in the order of their bytes. The directory itself does not count.
struct TreeStamp {
    let text: String
    /// The time of the latest change of anything, in nanoseconds since 1970.
    let latest: Int64

    /// - Parameter ignored: names right below the tree that do not count.
    init(of path: FilePath, ignoring ignored: [String]) throws {
        let directory: FileDescriptor
        do {
            directory = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec, .noFollow])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
        defer { try? directory.close() }
        var sum = Sum()
        try sum.add(directory, path, ignored)
        text = ImageID(digest: sum.hash.finalize()).key
        latest = sum.latest
    }

    private struct Sum {
        var hash = SHA512()
        var latest: Int64 = 0

        mutating func add(_ directory: FileDescriptor, _ path: FilePath, _ ignored: [String] = []) throws {
            let names = try attempt("read", path) { try FileSystem.names(in: directory) }
                .filter { !ignored.contains($0.string) }
            let sorted = names.map { ($0, Sum.bytes(of: $0)) }.sorted { $0.1.lexicographicallyPrecedes($1.1) }
            add(sorted.count)
            for (name, bytes) in sorted {
                add(bytes.count)
                hash.update(data: bytes)
                let path = path.appending(name)
                let status = try attempt("stat", path) { try FileSystem.status(name, in: directory) }
                add(status)
                guard status.type == .directory else { continue }
                let opened = try attempt("open", path) {
                    try FileSystem.openDirectory(FilePath(root: nil, [name]), beneath: directory)
                }
                defer { try? opened.close() }
                try add(opened, path)
            }
        }

        private mutating func add(_ status: FileStatus) {
            add(Sum.number(of: status.type))
            add(status.mode)
            add(status.uid)
            add(status.gid)
            add(status.specialDevice)
            if status.type != .directory {
                add(status.size)
                add(status.modificationTime)
                add(status.linkCount)
            }
            add(status.inode)
            add(status.changeTime)
            latest = max(latest, status.changeTime)
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
}
