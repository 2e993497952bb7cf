// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

extension FileSystem {
    /// Opens a new file that has no name, for reading and writing: it is gone when it is closed, also after a crash.
    ///
    /// - Parameter directory: chooses the file system. One that lacks O_TMPFILE gets a name for a moment.
    package static func openAnonymous(in directory: FilePath) throws -> FileDescriptor {
        let descriptor = open(directory.string, O_RDWR | CInt(RKT_O_TMPFILE) | O_CLOEXEC, 0o600)
        if descriptor >= 0 { return FileDescriptor(rawValue: descriptor) }
        guard [.notSupported, .isDirectory].contains(lastErrno) else {
            throw RuntimeError.systemCall("open", directory, lastErrno)
        }
        let path = directory.appending(".anonymous-" + String(UInt64.random(in: .min ... .max), radix: 16))
        let named = open(path.string, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard named >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        unlink(path.string)
        return FileDescriptor(rawValue: named)
    }

    /// Opens a new file in memory (memfd_create(2)), for reading and writing.
    ///
    /// - Parameter name: shown in `/proc`.
    package static func openInMemory(named name: String) throws -> FileDescriptor {
        // MFD_CLOEXEC is 1. MFD_EXEC is 16: kernels before 6.3 refuse it, and need no word for it.
        var result = rkt_memfd_create(name, 1 | 16)
        if result == -EINVAL { result = rkt_memfd_create(name, 1) }
        return FileDescriptor(rawValue: try check(result, "memfd_create"))
    }
}
