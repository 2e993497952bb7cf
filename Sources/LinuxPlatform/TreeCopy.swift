// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// A copy of a file tree that differs from it in nothing an app could see: hard links, owners, modes, extended
/// attributes, times, device nodes and holes are kept. File contents are shared where the file system can do that.
package struct TreeCopy {
    /// Where a file with several names was copied to first.
    private var copied: [FileIdentity: FilePath] = [:]

    private struct FileIdentity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// Copies `source` to `target`, which must not exist.
    package static func copy(_ source: FilePath, to target: FilePath) throws {
        var copy = TreeCopy()
        try copy.copy(source, target)
    }

    private mutating func copy(_ source: FilePath, _ target: FilePath) throws {
        let status = try FileSystem.status(source)
        if status.type != .directory, status.linkCount > 1 {
            let identity = FileIdentity(device: status.device, inode: status.inode)
            if let first = copied[identity] {
                let result = first.withPlatformString { first in target.withPlatformString { link(first, $0) } }
                guard result == 0 else {
                    throw RuntimeError.systemCall("link", target, lastErrno)
                }
                return
            }
            copied[identity] = target
        }
        switch status.type {
        case .directory:
            try FileSystem.makeDirectory(target, mode: 0o700)
            for name in try TreeCopy.names(in: source) { try copy(source.appending(name), target.appending(name)) }
        case .regular: try FileContents.copy(source, to: target, size: status.size)
        case .symbolicLink:
            try TreeCopy.copySymbolicLink(source, to: target)
        case .fifo: try makeNode(target, S_IFIFO, 0)
        case .socket: try makeNode(target, S_IFSOCK, 0)
        case .characterDevice: try makeNode(target, S_IFCHR, status.specialDevice)
        case .blockDevice: try makeNode(target, S_IFBLK, status.specialDevice)
        }
        try TreeCopy.copyAttributes(of: source, status, to: target)
    }

    /// The names in a directory, which may be any bytes.
    private static func names(in path: FilePath) throws -> [FilePath.Component] {
        do {
            let directory = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec, .noFollow])
            defer { try? directory.close() }
            return try FileSystem.names(in: directory)
        } catch let error as Errno {
            throw RuntimeError.systemCall("opendir", path, error)
        }
    }

    /// Copies the text of a link byte for byte.
    private static func copySymbolicLink(_ source: FilePath, to target: FilePath) throws {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        // SAFETY: one byte less than the buffer holds is written, so that a NUL stays behind it.
        let count = source.withPlatformString { readlink($0, &text, Int(PATH_MAX)) }
        guard count >= 0 else { throw RuntimeError.systemCall("readlink", source, lastErrno) }
        guard target.withPlatformString({ symlink(text, $0) }) == 0 else {
            throw RuntimeError.systemCall("symlink", target, lastErrno)
        }
    }

    private func makeNode(_ path: FilePath, _ type: mode_t, _ device: UInt64) throws {
        guard path.withPlatformString({ mknod($0, type | 0o600, dev_t(device)) }) == 0 else {
            throw RuntimeError.systemCall("mknod", path, lastErrno)
        }
    }

    /// Gives `target` owner, extended attributes, mode and times of `source`.
    ///
    /// In this order: a change of owner clears set-user-ID bits and file capabilities.
    package static func copyAttributes(of source: FilePath, _ status: FileStatus, to target: FilePath) throws {
        guard target.withPlatformString({ lchown($0, status.uid, status.gid) }) == 0 else {
            throw RuntimeError.systemCall("chown", target, lastErrno)
        }
        try ExtendedAttributes.copy(from: source, to: target)
        if status.type != .symbolicLink {
            guard target.withPlatformString({ chmod($0, mode_t(status.mode)) }) == 0 else {
                throw RuntimeError.systemCall("chmod", target, lastErrno)
            }
        }
        let (seconds, nanoseconds) = status.modificationTime.flooredSeconds
        let time = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
        let result = target.withPlatformString { utimensat(AT_FDCWD, $0, [time, time], AT_SYMLINK_NOFOLLOW) }
        guard result == 0 else {
            throw RuntimeError.systemCall("utimensat", target, lastErrno)
        }
    }
}

extension Int64 {
    /// A time in nanoseconds as whole seconds, rounded down, and the nanoseconds left.
    fileprivate var flooredSeconds: (seconds: Int, nanoseconds: Int) {
        let billion: Int64 = 1_000_000_000
        let remainder = ((self % billion) + billion) % billion
        return (Int((self - remainder) / billion), Int(remainder))
    }
}

/// The contents of one regular file.
private enum FileContents {
    // Corresponds to FICLONE, `_IOW(0x94, 9, int)` (ioctl_ficlone(2)).
    private static let clone: UInt = 0x4004_9409
    // Corresponds to SEEK_DATA and SEEK_HOLE (lseek(2)).
    private static let seekData: CInt = 3
    private static let seekHole: CInt = 4

    static func copy(_ source: FilePath, to target: FilePath, size: Int64) throws {
        let input = source.withPlatformString { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
        guard input >= 0 else { throw RuntimeError.systemCall("open", source, lastErrno) }
        defer { close(input) }
        let output = target.withPlatformString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        guard output >= 0 else { throw RuntimeError.systemCall("open", target, lastErrno) }
        defer { close(output) }
        if ioctl(output, clone, input) == 0 { return }
        guard ftruncate(output, off_t(size)) == 0 else { throw RuntimeError.systemCall("ftruncate", target, lastErrno) }
        let paths = (source, target)
        var offset: off_t = 0
        while offset < off_t(size) {
            let start = lseek(input, offset, seekData)
            if start < 0, lastErrno == .noSuchAddressOrDevice { return }
            guard start >= 0 else { return try copyRange(input, output, offset..<off_t(size), paths) }
            let end = lseek(input, start, seekHole)
            try copyRange(input, output, start..<(end < 0 ? off_t(size) : end), paths)
            offset = end < 0 ? off_t(size) : end
        }
    }

    private static func copyRange(
        _ input: CInt, _ output: CInt, _ range: Range<off_t>, _ paths: (source: FilePath, target: FilePath)
    ) throws {
        var buffer = [UInt8](repeating: 0, count: min(1 << 20, max(1, range.count)))
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = min(buffer.count, Int(range.upperBound - offset))
            // SAFETY: at most `wanted` bytes are read, which the buffer holds.
            let count = buffer.withUnsafeMutableBytes { pread(input, $0.baseAddress, wanted, offset) }
            if count < 0, lastErrno == .interrupted { continue }
            guard count >= 0 else { throw RuntimeError.systemCall("read", paths.source, lastErrno) }
            if count == 0 { return }
            var written = 0
            while written < count {
                // SAFETY: the range stays below `count`, which the buffer holds.
                let step = buffer.withUnsafeBytes {
                    pwrite(output, $0.baseAddress?.advanced(by: written), count - written, offset + off_t(written))
                }
                if step < 0, lastErrno == .interrupted { continue }
                guard step >= 0 else { throw RuntimeError.systemCall("write", paths.target, lastErrno) }
                written += step
            }
            offset += off_t(count)
        }
    }
}
