// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Reads the entries of one journal file in their order, also while journald appends to it.
///
/// The format is https://systemd.io/JOURNAL_FILE_FORMAT: a header, then objects one after the other. An entry counts once
/// the header's number of entries includes it. journald of this guest neither compresses nor seals.
package final class JournalFile {
    package struct Entry: Equatable {
        /// Counts all entries of the journal, through all of its files.
        package var number: UInt64
        package var content: JournalEntry
    }

    private enum ObjectType { static let data: UInt8 = 1, entry: UInt8 = 3 }
    private enum Limit {
        static let object = 1 << 20
        /// Bytes of one field and of all fields of an entry; the rest could not be sent.
        static let field = 64 << 10
        static let fields = 256 << 10
        /// Fields that are remembered, and the bytes of one.
        static let knownFields = 1024
        static let knownField = 1024
    }
    private static let compact: UInt32 = 16
    private static let archived: UInt8 = 2

    private let file: FileDescriptor
    private let path: FilePath
    private let isCompact: Bool
    /// Where the next object to look at begins; 0 until the header's size is known.
    private var offset: UInt64
    private var entriesRead: UInt64 = 0
    /// Fields by position. All but the message is the same in many entries, and journald writes what is the same once.
    private var known: [UInt64: [UInt8]] = [:]
    let inode: UInt64

    /// Nil while the header has not been written yet.
    package init?(_ path: FilePath) throws {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if lastErrno == .noSuchFileOrDirectory { return nil }
            throw RuntimeError.systemCall("open", path, lastErrno)
        }
        file = FileDescriptor(rawValue: descriptor)
        self.path = path
        let header = Self.bytes(descriptor, at: 0, count: 96)
        guard header.count == 96, header.starts(with: Array("LPKSHHRH".utf8)) else {
            close(descriptor)
            return nil
        }
        isCompact = Self.number(header, 12, 4) & UInt64(Self.compact) != 0
        offset = Self.number(header, 88, 8)
        inode = (try? FileSystem.status(of: file).inode) ?? 0
    }

    deinit { try? file.close() }

    /// Whether journald has moved on to another file and all entries of this one have been read.
    package var isFinished: Bool {
        let header = Self.bytes(file.rawValue, at: 0, count: 160)
        return header.count == 160 && header[16] == Self.archived && entriesRead >= Self.number(header, 152, 8)
    }

    /// The next complete entry, or nil when there is none yet.
    package func next() -> Entry? {
        let header = Self.bytes(file.rawValue, at: 0, count: 160)
        guard header.count == 160 else { return nil }
        let tail = Self.number(header, 136, 8)
        guard entriesRead < Self.number(header, 152, 8) else { return nil }
        while offset <= tail {
            let object = Self.bytes(file.rawValue, at: offset, count: 16)
            guard object.count == 16 else { return nil }
            let size = Self.number(object, 8, 8)
            guard size >= 16, size <= 1 << 40 else { return nil }
            let position = offset
            if object[0] == ObjectType.entry {
                guard let entry = entry(at: position, size: Int(clamping: size)) else { return nil }
                offset = position + (size + 7) & ~7
                entriesRead += 1
                return entry
            }
            offset = position + (size + 7) & ~7
        }
        return nil
    }

    private func entry(at position: UInt64, size: Int) -> Entry? {
        let width = isCompact ? 4 : 16
        guard size >= 64, size <= Limit.object else { return nil }
        let bytes = Self.bytes(file.rawValue, at: position, count: size)
        guard bytes.count == size else { return nil }
        var content = JournalEntry(
            realtime: Self.number(bytes, 24, 8), monotonic: Self.number(bytes, 32, 8), boot: Array(bytes[40..<56]),
            fields: [])
        var room = Limit.fields
        for item in 0..<min((size - 64) / width, JournalEntry.mostFields) where room > 0 {
            let data = Self.number(bytes, 64 + item * width, isCompact ? 4 : 8)
            guard data != 0, let field = field(at: data) else { continue }
            content.fields.append(field)
            room -= field.count
        }
        return Entry(number: Self.number(bytes, 16, 8), content: content)
    }

    private func field(at position: UInt64) -> [UInt8]? {
        if let field = known[position] { return field }
        guard let field = readField(at: position) else { return nil }
        if field.count <= Limit.knownField, !field.starts(with: "MESSAGE=".utf8) {
            if known.count >= Limit.knownFields { known = [:] }
            known[position] = field
        }
        return field
    }

    private func readField(at position: UInt64) -> [UInt8]? {
        let payload = isCompact ? 72 : 64
        let object = Self.bytes(file.rawValue, at: position, count: 16)
        guard object.count == 16, object[0] == ObjectType.data, object[1] == 0 else { return nil }
        let size = Int(clamping: Self.number(object, 8, 8))
        guard size > payload else { return nil }
        let count = min(size - payload, Limit.field)
        let (start, overflow) = position.addingReportingOverflow(UInt64(payload))
        guard !overflow else { return nil }
        let bytes = Self.bytes(file.rawValue, at: start, count: count)
        guard bytes.count == count, bytes.contains(UInt8(ascii: "=")) else { return nil }
        return bytes
    }

    private static func bytes(_ descriptor: CInt, at offset: UInt64, count: Int) -> [UInt8] {
        guard let position = off_t(exactly: offset) else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            // SAFETY: the buffer holds `count` bytes.
            filled = max(0, pread(descriptor, buffer.baseAddress, count, position))
        }
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ width: Int) -> UInt64 {
        (0..<width).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64($1 * 8) }
    }
}
