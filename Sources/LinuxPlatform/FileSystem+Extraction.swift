// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import SystemPackage

/// Calls that make one name in an open directory, for trees that are written from an untrusted list of names.
///
/// Every call takes a directory descriptor and one path component, follows no symbolic link, and throws the bare
/// `Errno`: the caller branches on it and knows the whole path for its message.
extension FileSystem {
    /// Access and modification time in nanoseconds since 1970.
    package struct Times: Sendable, Equatable {
        package var access: Int64
        package var modification: Int64

        package init(access: Int64, modification: Int64) {
            self.access = access
            self.modification = modification
        }
    }

    /// Opens a directory below `root` (openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, Linux 5.6).
    ///
    /// An empty path opens `root` anew. A symbolic link anywhere in the path is `tooManySymbolicLinkLevels`.
    package static func openDirectory(_ path: FilePath, beneath root: FileDescriptor) throws(Errno) -> FileDescriptor {
        let resolve = UInt64(RKT_RESOLVE_BENEATH) | UInt64(RKT_RESOLVE_NO_SYMLINKS)
        let result = (path.isEmpty ? "." : path).withPlatformString {
            rkt_openat2(root.rawValue, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, resolve)
        }
        return FileDescriptor(rawValue: try checked(result))
    }

    /// Creates a regular file of mode 0600, open for writing; an existing name is `fileExists`.
    package static func makeFile(
        _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) -> FileDescriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let result = name.withPlatformString { openat(directory.rawValue, $0, flags, 0o600) }
        guard result >= 0 else { throw lastErrno }
        return FileDescriptor(rawValue: result)
    }

    /// Opens a regular file for reading; nothing blocks when it is something else by now.
    package static func openFile(
        _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) -> FileDescriptor {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let result = name.withPlatformString { openat(directory.rawValue, $0, flags) }
        guard result >= 0 else { throw lastErrno }
        return FileDescriptor(rawValue: result)
    }

    package static func makeDirectory(
        _ name: FilePath.Component, in directory: FileDescriptor, mode: UInt32
    ) throws(Errno) {
        try done(name.withPlatformString { mkdirat(directory.rawValue, $0, mode) })
    }

    /// Makes a symbolic link whose text is the NUL-terminated `target`, byte for byte.
    package static func makeSymbolicLink(
        to target: [CChar], _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) {
        try done(name.withPlatformString { symlinkat(target, directory.rawValue, $0) })
    }

    /// Gives an existing file one more name; a symbolic link is linked itself.
    package static func makeHardLink(
        to target: FilePath.Component, in targetDirectory: FileDescriptor,
        _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) {
        let result = target.withPlatformString { target in
            name.withPlatformString { linkat(targetDirectory.rawValue, target, directory.rawValue, $0, 0) }
        }
        try done(result)
    }

    /// Makes a fifo or a device node of mode 0600 (mknodat(2)); the numbers are ignored for a fifo.
    package static func makeNode(
        _ type: FileType, major: UInt32 = 0, minor: UInt32 = 0, _ name: FilePath.Component,
        in directory: FileDescriptor
    ) throws(Errno) {
        let bits: mode_t =
            switch type {
            case .fifo: S_IFIFO
            case .characterDevice: S_IFCHR
            case .blockDevice: S_IFBLK
            case .regular, .directory, .symbolicLink, .socket: 0
            }
        guard bits != 0 else { throw .invalidArgument }
        let device = rkt_makedev(major, minor)
        try done(name.withPlatformString { mknodat(directory.rawValue, $0, bits | 0o600, dev_t(device)) })
    }

    /// What a name in a directory is.
    package static func status(
        _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) -> FileStatus {
        var status = stat()
        try done(name.withPlatformString { fstatat(directory.rawValue, $0, &status, AT_SYMLINK_NOFOLLOW) })
        return FileStatus(status)
    }

    /// The text of a symbolic link, byte for byte.
    package static func readSymbolicLink(
        _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = name.withPlatformString { readlinkat(directory.rawValue, $0, &buffer, buffer.count) }
        guard count >= 0 else { throw lastErrno }
        return buffer.prefix(count).map { UInt8(bitPattern: $0) }
    }

    /// The names in an open directory, without `.` and `..`, in no order; unlike text they may be any bytes.
    package static func names(in directory: FileDescriptor) throws(Errno) -> [FilePath.Component] {
        // A descriptor of its own, since closedir(3) closes it and the position is shared.
        let descriptor = try openDirectory(FilePath(), beneath: directory)
        guard let stream = fdopendir(descriptor.rawValue) else {
            let error = lastErrno
            try? descriptor.close()
            throw error
        }
        defer { closedir(stream) }
        var names: [FilePath.Component] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw lastErrno }
                return names
            }
            // SAFETY: d_name is NUL-terminated and lives until the next readdir.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath.Component(platformString: $0) }
            }
            if let name, name.kind == .regular { names.append(name) }
        }
    }

    // MARK: - Attributes of a name

    package static func setOwner(
        _ uid: UInt32, _ gid: UInt32, _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) {
        try done(name.withPlatformString { fchownat(directory.rawValue, $0, uid, gid, AT_SYMLINK_NOFOLLOW) })
    }

    /// Sets the twelve permission bits of a name that is known not to be a symbolic link.
    package static func setMode(
        _ mode: UInt32, _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) {
        try done(name.withPlatformString { fchmodat(directory.rawValue, $0, mode, 0) })
    }

    package static func setTimes(
        _ times: Times, _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) {
        let values = times.values
        try done(name.withPlatformString { utimensat(directory.rawValue, $0, values, AT_SYMLINK_NOFOLLOW) })
    }

    // MARK: - Attributes of an open file

    package static func setOwner(_ uid: UInt32, _ gid: UInt32, of file: FileDescriptor) throws(Errno) {
        try done(fchown(file.rawValue, uid, gid))
    }

    package static func setMode(_ mode: UInt32, of file: FileDescriptor) throws(Errno) {
        try done(fchmod(file.rawValue, mode))
    }

    package static func setTimes(_ times: Times, of file: FileDescriptor) throws(Errno) {
        try done(futimens(file.rawValue, times.values))
    }

    /// Sets one extended attribute (fsetxattr(2)).
    package static func setExtendedAttribute(_ name: String, _ value: [UInt8], of file: FileDescriptor) throws(Errno) {
        try checked(rkt_fsetxattr(file.rawValue, name, value, value.count, 0))
    }

    /// Sets one extended attribute of a name, a symbolic link's own (lsetxattr(2)).
    ///
    /// No system call before Linux 6.13 takes a directory and a name, so it goes by /proc.
    package static func setExtendedAttribute(
        _ attribute: String, _ value: [UInt8], _ name: FilePath.Component, in directory: FileDescriptor
    ) throws(Errno) {
        var path = FilePath("/proc/self/fd/\(directory.rawValue)")
        path.append(name)
        try checked(path.withPlatformString { rkt_lsetxattr($0, attribute, value, value.count, 0) })
    }

    /// The value of an extended attribute, nil when the path has none of this name (lgetxattr(2)).
    package static func extendedAttribute(_ name: String, of path: FilePath) throws -> [UInt8]? {
        // The most that Linux stores.
        var value = [UInt8](repeating: 0, count: 64 << 10)
        let count = path.withPlatformString { rkt_lgetxattr($0, name, &value, value.count) }
        if count == -Int(ENODATA) || count == -Int(ENOTSUP) { return nil }
        return Array(value.prefix(try check(count, "getxattr", path)))
    }

    /// Sets a file's length; what lies beyond the data reads as zeros and takes no space.
    package static func setSize(_ size: Int64, of file: FileDescriptor) throws(Errno) {
        try done(ftruncate(file.rawValue, off_t(size)))
    }

    /// fsync(2).
    package static func synchronize(_ file: FileDescriptor) throws(Errno) {
        try done(fsync(file.rawValue))
    }

    /// Writes everything back that the file system holding `file` has in memory (syncfs(2)).
    package static func synchronize(fileSystemOf file: FileDescriptor) throws(Errno) {
        try checked(rkt_syncfs(file.rawValue))
    }

    /// Lets the disk begin with what was written, so that a later fsync or syncfs has less to wait for (sync_file_range(2)).
    /// It promises nothing: file systems that cannot do that are left alone.
    package static func startWriteback(of file: FileDescriptor, _ range: Range<Int64>) {
        _ = rkt_start_writeback(file.rawValue, range.lowerBound, range.upperBound - range.lowerBound)
    }

    private static func done(_ result: CInt) throws(Errno) {
        guard result == 0 else { throw lastErrno }
    }

    @discardableResult
    private static func checked(_ result: CInt) throws(Errno) -> CInt {
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return result
    }
}

extension FileSystem.Times {
    /// The two values of utimensat(2).
    fileprivate var values: [timespec] { [timespec(nanoseconds: access), timespec(nanoseconds: modification)] }
}

extension timespec {
    fileprivate init(nanoseconds: Int64) {
        let billion: Int64 = 1_000_000_000
        let remainder = ((nanoseconds % billion) + billion) % billion
        self.init(tv_sec: Int((nanoseconds - remainder) / billion), tv_nsec: Int(remainder))
    }
}
