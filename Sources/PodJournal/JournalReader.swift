// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Reads a pod's journal from one file to the next, also while it is written.
package final class JournalReader {
    /// Changes when the pod enters another phase.
    package var directory: JournalDirectory
    private var file: FileDescriptor?
    private var position: JournalPosition?
    private var decoder = ExportDecoder()
    /// Whether files were removed before they had been read.
    private var missed = false

    /// - Parameter position: nil is the oldest entry that is kept.
    package init(_ directory: JournalDirectory, from position: JournalPosition? = nil) {
        self.directory = directory
        self.position = position
    }

    deinit { try? file?.close() }

    /// The next complete entry, or nil when there is none yet.
    package func next() throws -> JournalEntry? {
        while true {
            if let entry = try decoder.next() { return entry }
            if file == nil, try !open() { return nil }
            if try readMore() { continue }
            guard let number = position?.number, let following = try directory.numbers().first(where: { $0 > number })
            else { return nil }
            // The file was complete before there was another one.
            if try readMore() { continue }
            if following != number + 1 { missed = true }
            move(to: JournalPosition(number: following, offset: 0))
        }
    }

    /// Whether entries were removed before they were read, since this was last asked.
    package func takeMissed() -> Bool {
        defer { missed = false }
        return missed
    }

    private func move(to next: JournalPosition) {
        try? file?.close()
        file = nil
        // An entry that is cut off, by a full disk for instance, does not go on in another file.
        decoder = ExportDecoder()
        position = next
    }

    /// - Returns: whether there is a file.
    private func open() throws -> Bool {
        // The oldest may be removed right after it has been found.
        for _ in 0..<10 {
            let numbers = try directory.numbers()
            let wanted = position?.number ?? 0
            guard let number = numbers.first(where: { $0 >= wanted }) else { return false }
            if number != wanted {
                if position != nil { missed = true }
                position = JournalPosition(number: number, offset: 0)
            }
            let path = directory.entries(number)
            let descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            if descriptor >= 0 {
                file = FileDescriptor(rawValue: descriptor)
                return true
            }
            guard lastErrno == .noSuchFileOrDirectory else { throw RuntimeError.systemCall("open", path, lastErrno) }
        }
        return false
    }

    /// - Returns: whether there was something to read.
    private func readMore() throws -> Bool {
        guard let file, let offset = position?.offset else { return false }
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
            // SAFETY: the buffer outlives the call and its size is passed.
            let result = pread(file.rawValue, buffer.baseAddress, buffer.count, off_t(offset))
            if result < 0 { failure = lastErrno }
            count = max(0, result)
        }
        if let failure, failure != .interrupted { throw RuntimeError.systemCall("read", directory.path, failure) }
        position?.offset += bytes.count
        decoder.append(bytes)
        return !bytes.isEmpty || failure == .interrupted
    }
}
