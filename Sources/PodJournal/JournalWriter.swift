// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Appends entries to a pod's journal. The last two files are kept, so that a guest cannot fill the host's disk.
///
/// An entry is in the file when `append` returns: it outlives the guest and this process. A crash of the host may
/// take the last seconds, as with every log.
package final class JournalWriter {
    /// Bytes of one file.
    package static let fileLimit = 32 << 20

    private let directory: JournalDirectory
    private let machineID: String
    private let fileLimit: Int
    private var file: FileDescriptor
    /// Where the next entry goes.
    package private(set) var position: JournalPosition

    /// Makes the directory, and a file behind those that are there already.
    package init(_ directory: JournalDirectory, machineID: String, fileLimit: Int = JournalWriter.fileLimit) throws {
        self.directory = directory
        self.machineID = machineID
        self.fileLimit = fileLimit
        try FileSystem.makeDirectories(directory.path, mode: 0o750)
        let number = (try directory.numbers().last ?? 0) + 1
        file = try JournalWriter.open(directory.entries(number))
        position = JournalPosition(number: number, offset: 0)
    }

    deinit { try? file.close() }

    private static func open(_ path: FilePath) throws -> FileDescriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        let descriptor = Glibc.open(path.string, flags, 0o640)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        return FileDescriptor(rawValue: descriptor)
    }

    /// Appends an entry, in a new file when the last one is full.
    ///
    /// - Returns: the entry as it was written.
    /// - Throws: when it cannot be written; nothing of it is in the file then.
    package func append(_ entry: JournalEntry) throws -> [UInt8] {
        let bytes = ExportFormat.encoded(entry, machineID: machineID)
        if position.offset > 0, position.offset + bytes.count > fileLimit { try rotate() }
        do {
            try FileSystem.writeAll(bytes, to: file, directory.entries(position.number))
        } catch {
            ftruncate(file.rawValue, off_t(position.offset))
            throw error
        }
        position.offset += bytes.count
        return bytes
    }

    /// Begins another file and removes all but the last two.
    package func rotate() throws {
        let next = position.number + 1
        let opened = try JournalWriter.open(directory.entries(next))
        try? file.close()
        file = opened
        position = JournalPosition(number: next, offset: 0)
        try directory.removeFiles(before: next - 1)
    }
}
