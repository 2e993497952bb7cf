// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLibArchive
import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage

/// Reads a tar archive entry by entry; nothing of it is trusted.
package final class TarReader {
    private let name: String
    private let bridge: SourceBridge
    private let handle: OpaquePointer
    private var isOpen = false
    private var current: OpaquePointer?
    private let limits: ArchiveLimits
    private var entryCount = 0
    private var expandedBytes: Int64 = 0
    private let requiresEnd: Bool
    /// A file whose data have not been read to their end.
    private var unread: ArchiveEntry?

    /// - Parameters:
    ///   - name: what messages call the archive.
    ///   - requiresEnd: whether an archive without the mark at its end is refused as one that was cut off.
    init(
        _ source: any ByteSource, name: String, limits: ArchiveLimits = ArchiveLimits(), requiresEnd: Bool = false
    ) throws {
        self.requiresEnd = requiresEnd
        guard let handle = archive_read_new() else { throw RuntimeError(.internal, "libarchive cannot be started") }
        self.handle = handle
        self.name = name
        self.limits = limits
        bridge = SourceBridge(source)
        archive_read_support_format_tar(handle)
    }

    deinit { closeArchive(handle) }

    /// Whether reading stopped because the source threw, rather than because of what it yielded.
    var isSourceBroken: Bool { bridge.failure != nil }

    /// Whether reading stopped because there are more entries or bytes than allowed.
    private(set) var isOverLimit = false

    /// The next entry, or nil at the end-of-archive mark.
    package func next() throws -> ArchiveEntry? {
        if !isOpen {
            guard bridge.open(handle) == ARCHIVE_OK else { throw failure() }
            isOpen = true
        }
        // All that libarchive reads after this belongs to the next header.
        while unread != nil, try nextBlock() != nil {}
        bridge.headerAllowance = ArchiveLimits.headerBytes
        defer { bridge.headerAllowance = nil }
        var pointer: OpaquePointer?
        switch archive_read_next_header(handle, &pointer) {
        // A warning is a name outside this process's character set (no matter, its bytes are kept) or an unknown
        // extension.
        case ARCHIVE_OK: break
        case ARCHIVE_WARN:
            // Left out, a record may have held the entry's name or size.
            let text = archiveErrorText(handle)
            guard !text.hasPrefix("Ignoring malformed") else { throw failure() }
        case ARCHIVE_EOF:
            guard !requiresEnd || hasEnd else { throw truncated("the mark at its end is missing") }
            return nil
        default: throw failure()
        }
        guard let pointer else { throw failure() }
        current = pointer
        let entry = try header(pointer)
        try count(entry)
        unread = entry
        return entry
    }

    /// Whether there was anything where libarchive looked for a last header.
    private var hasEnd: Bool { !bridge.isAtEnd || bridge.size > archive_read_header_position(handle) }

    /// The next block of the current file's data and its offset in the file, or nil after the last.
    func nextBlock() throws -> (bytes: UnsafeRawBufferPointer, offset: Int64)? {
        var block: UnsafeRawPointer?
        var count = 0
        var offset: Int64 = 0
        switch archive_read_data_block(handle, &block, &count, &offset) {
        case ARCHIVE_OK:
            try checkRange(offset, count)
            return (UnsafeRawBufferPointer(start: block, count: count), offset)
        case ARCHIVE_EOF:
            unread = nil
            return nil
        default: throw failure()
        }
    }

    /// Data beyond the size that was counted: the map of a sparse file may say anything.
    private func checkRange(_ offset: Int64, _ count: Int) throws {
        guard let unread, case .file = unread.kind, count > 0 else { return }
        let (end, overflow) = offset.addingReportingOverflow(Int64(count))
        guard offset >= 0, !overflow, end <= unread.size else {
            throw RuntimeError(
                .invalidArgument,
                "\(name) is not valid: the data of \(ArchiveName.quoted(unread.path)) do not fit into it")
        }
    }

    /// The current entry's extended attributes.
    func extendedAttributes() -> [(name: String, value: [UInt8])] {
        guard let current, archive_entry_xattr_reset(current) > 0 else { return [] }
        var attributes: [(name: String, value: [UInt8])] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(current, &name, &value, &size) == ARCHIVE_OK, let text = name {
            attributes.append((String(cString: text), Array(UnsafeRawBufferPointer(start: value, count: size))))
        }
        return attributes
    }

    // MARK: - Header

    private func header(_ entry: OpaquePointer) throws -> ArchiveEntry {
        guard let pathname = archive_entry_pathname(entry) else {
            throw RuntimeError(.invalidArgument, "\(name) holds an entry without a name")
        }
        guard strlen(pathname) < PATH_MAX else {
            throw RuntimeError(.invalidArgument, "\(name) holds a name of more than \(PATH_MAX - 1) bytes")
        }
        let path = FilePath(platformString: pathname).lexicallyNormalized()
        let modification = nanoseconds(archive_entry_mtime(entry), archive_entry_mtime_nsec(entry))
        let access =
            archive_entry_atime_is_set(entry) != 0
            ? nanoseconds(archive_entry_atime(entry), archive_entry_atime_nsec(entry)) : modification
        return ArchiveEntry(
            path: path, kind: kind(entry), size: max(0, archive_entry_size(entry)),
            mode: archive_entry_mode(entry) & 0o7777,
            uid: try owner(archive_entry_uid(entry), path), gid: try owner(archive_entry_gid(entry), path),
            times: FileSystem.Times(access: access, modification: modification))
    }

    private func kind(_ entry: OpaquePointer) -> ArchiveEntry.Kind {
        if let target = archive_entry_hardlink(entry) {
            return .hardLink(FilePath(platformString: target).lexicallyNormalized())
        }
        switch archive_entry_filetype(entry) & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        case S_IFLNK:
            guard let target = archive_entry_symlink(entry) else { return .symbolicLink([0]) }
            return .symbolicLink(Array(UnsafeBufferPointer(start: target, count: strlen(target) + 1)))
        case S_IFIFO: return .fifo
        case S_IFCHR: return .characterDevice(major: major(entry), minor: minor(entry))
        case S_IFBLK: return .blockDevice(major: major(entry), minor: minor(entry))
        default: return .unknown
        }
    }

    private func major(_ entry: OpaquePointer) -> UInt32 {
        UInt32(clamping: archive_entry_rdevmajor(entry))
    }

    private func minor(_ entry: OpaquePointer) -> UInt32 {
        UInt32(clamping: archive_entry_rdevminor(entry))
    }

    /// An owner as chown(2) takes it; the largest value would mean "leave it".
    private func owner(_ id: Int64, _ path: FilePath) throws -> UInt32 {
        guard let value = UInt32(exactly: id), value != .max else {
            throw RuntimeError(
                .invalidArgument, "\(name): entry \(ArchiveName.quoted(path)) has an owner out of range: \(id)")
        }
        return value
    }

    /// Time as nanoseconds, clamped to what 64 bits hold (the years 1678 to 2262).
    private func nanoseconds(_ seconds: time_t, _ fraction: Int) -> Int64 {
        let limit: Int64 = Int64.max / 1_000_000_000 - 1
        return min(max(Int64(seconds), -limit), limit) * 1_000_000_000 + Int64(fraction)
    }

    private func count(_ entry: ArchiveEntry) throws {
        entryCount += 1
        guard entryCount <= limits.entries else {
            isOverLimit = true
            throw limits.tooManyEntries(name)
        }
        let (sum, overflow) = expandedBytes.addingReportingOverflow(entry.size)
        guard !overflow, sum <= limits.expandedBytes else {
            isOverLimit = true
            throw limits.tooLarge(name)
        }
        expandedBytes = sum
    }

    private func failure() -> any Error {
        if bridge.failure is HeaderTooLarge {
            return RuntimeError(
                .invalidArgument,
                "\(name) is not valid: the header of an entry has more than \(ArchiveLimits.headerBytes) bytes, the most "
                    + "allowed")
        }
        if let failure = bridge.failure { return failure }
        let text = archiveErrorText(handle)
        if bridge.isAtEnd {
            return truncated(text)
        }
        return RuntimeError(.invalidArgument, "\(name) is a damaged tar archive (\(text)); get it again")
    }

    private func truncated(_ detail: String) -> RuntimeError {
        RuntimeError(
            .invalidArgument, "\(name) is truncated: the file ends inside the archive (\(detail)); get it again")
    }
}
