// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import SystemPackage

/// An advisory lock of flock(2) on a directory or file, held until it is released or every copy of its descriptor is
/// closed.
package final class FileLock {
    package enum Mode: Sendable {
        case shared, exclusive
        var operation: CInt { self == .shared ? LOCK_SH : LOCK_EX }
    }

    package let path: FilePath
    /// Close-on-exec until `keepOnExec()`.
    package let descriptor: FileDescriptor
    private var isHeld = true

    private init(path: FilePath, descriptor: FileDescriptor) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { release() }

    /// Waits until the lock can be had.
    package static func acquire(_ path: FilePath, _ mode: Mode) throws -> FileLock {
        guard let lock = try acquire(path, mode.operation) else {
            throw RuntimeError.systemCall("flock", path, .wouldBlock)
        }
        return lock
    }

    /// The lock, or nil when somebody holds one that conflicts.
    package static func tryAcquire(_ path: FilePath, _ mode: Mode) throws -> FileLock? {
        try acquire(path, mode.operation | LOCK_NB)
    }

    private static func acquire(_ path: FilePath, _ operation: CInt) throws -> FileLock? {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
        while flock(descriptor, operation) != 0 {
            let error = lastErrno
            if error == .interrupted { continue }
            close(descriptor)
            if error == .wouldBlock { return nil }
            throw RuntimeError.systemCall("flock", path, error)
        }
        return FileLock(path: path, descriptor: FileDescriptor(rawValue: descriptor))
    }

    /// Lets a program executed from this process inherit the lock.
    package func keepOnExec() throws {
        try check(rkt_set_close_on_exec(descriptor.rawValue, 0), "fcntl", path)
    }

    /// Gives the lock up; safe to repeat.
    package func release() {
        guard isHeld else { return }
        isHeld = false
        close(descriptor.rawValue)
    }
}
