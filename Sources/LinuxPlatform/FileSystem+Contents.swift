// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

extension FileSystem {
    /// Reads a whole file that is expected to be small.
    ///
    /// - Throws: code `invalidArgument` when it holds more than `limit` bytes.
    package static func read(_ path: FilePath, limit: Int = 16 << 20) throws -> [UInt8] {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        let file = FileDescriptor(rawValue: descriptor)
        defer { try? file.close() }
        return try read(file, path, limit: limit)
    }

    /// Reads an open file from its offset to its end.
    package static func read(_ file: FileDescriptor, _ path: FilePath, limit: Int = 16 << 20) throws -> [UInt8] {
        var bytes: [UInt8] = []
        return try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) { buffer in
            while true {
                // SAFETY: the buffer outlives the call and its size is passed.
                let count = Glibc.read(file.rawValue, buffer.baseAddress, buffer.count)
                if count < 0 {
                    if lastErrno == .interrupted { continue }
                    throw RuntimeError.systemCall("read", path, lastErrno)
                }
                if count == 0 { return bytes }
                guard bytes.count + count <= limit else {
                    throw RuntimeError(.invalidArgument, "\(path) is larger than \(limit) bytes")
                }
                // SAFETY: so many bytes have been read, which is no more than the buffer holds.
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }

    package static func readText(_ path: FilePath, limit: Int = 1 << 20) throws -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }

    /// Creates or truncates a file. The mode holds for a new file, whatever the umask.
    package static func write(_ bytes: some Sequence<UInt8>, to path: FilePath, mode: UInt32 = 0o644) throws {
        let descriptor = open(path.string, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        let file = FileDescriptor(rawValue: descriptor)
        defer { try? file.close() }
        guard fchmod(descriptor, mode) == 0 else { throw RuntimeError.systemCall("chmod", path, lastErrno) }
        try writeAll(Array(bytes), to: file, path)
    }

    /// Replaces a file as one step: readers see the old content or the new one, also after a crash.
    package static func writeAtomically(_ bytes: some Sequence<UInt8>, to path: FilePath, mode: UInt32 = 0o644) throws {
        let name = path.lastComponent?.string ?? "file"
        let temporary = path.removingLastComponent().appending(".\(name).\(getpid())")
        do {
            try write(bytes, to: temporary, mode: mode)
            try synchronize(temporary)
            try rename(temporary, to: path)
        } catch {
            unlink(temporary.string)
            throw error
        }
    }

    /// Replaces a file of an open directory as one step, whatever the directory's path means by now.
    package static func writeAtomically(
        _ bytes: some Sequence<UInt8>, to name: String, in directory: FileDescriptor, mode: UInt32 = 0o644
    ) throws {
        let temporary = ".\(name).\(getpid())"
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
        let descriptor = openat(directory.rawValue, temporary, flags, mode)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", FilePath(temporary), lastErrno) }
        let file = FileDescriptor(rawValue: descriptor)
        defer { try? file.close() }
        do {
            guard fchmod(descriptor, mode) == 0 else {
                throw RuntimeError.systemCall("chmod", FilePath(temporary), lastErrno)
            }
            try writeAll(Array(bytes), to: file, FilePath(temporary))
            guard fsync(descriptor) == 0 else {
                throw RuntimeError.systemCall("fsync", FilePath(temporary), lastErrno)
            }
            guard renameat(directory.rawValue, temporary, directory.rawValue, name) == 0 else {
                throw RuntimeError.systemCall("rename", FilePath(name), lastErrno)
            }
        } catch {
            unlinkat(directory.rawValue, temporary, 0)
            throw error
        }
    }

    /// Writes all bytes, however many calls that takes.
    package static func writeAll(_ bytes: [UInt8], to file: FileDescriptor, _ path: FilePath? = nil) throws {
        var offset = 0
        while offset < bytes.count {
            // SAFETY: offset is below count, so the pointer stays inside the array.
            let count = bytes.withUnsafeBytes {
                Glibc.write(file.rawValue, $0.baseAddress?.advanced(by: offset), $0.count - offset)
            }
            if count < 0 {
                if lastErrno == .interrupted { continue }
                throw RuntimeError.systemCall("write", path, lastErrno)
            }
            offset += count
        }
    }

    /// fsync(2) of a file or directory.
    package static func synchronize(_ path: FilePath) throws {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw RuntimeError.systemCall("fsync", path, lastErrno) }
    }
}
