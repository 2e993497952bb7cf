// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage

/// A file or directory under construction: locked by the process that makes it, and gone unless it is moved into place.
///
/// A crash leaves the item without its lock, and `removeStale` of the next process takes it away.
final class TemporaryItem {
    enum Kind { case file, directory }

    let path: FilePath
    private let lock: FileLock
    private var isPending = true

    /// Makes a new item with a random name.
    ///
    /// - Parameter mode: of a directory; files are of mode 0640.
    init(_ kind: Kind, in directory: FilePath, prefix: String) throws {
        while true {
            let path = directory.appending(prefix + String(UInt64.random(in: .min ... .max), radix: 16))
            try TemporaryItem.make(kind, path)
            // Between making and locking it, another process may have taken it for a stale one.
            if let lock = try TemporaryItem.lock(path) {
                self.path = path
                self.lock = lock
                return
            }
        }
    }

    deinit { discard() }

    /// Opens a file for writing.
    func openForWriting() throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(path, .writeOnly, options: [.closeOnExec, .noFollow])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
    }

    /// Renames the item to its final place.
    func move(to destination: FilePath, replace: Bool = false) throws {
        try FileSystem.rename(path, to: destination, replace: replace)
        isPending = false
        lock.release()
    }

    /// Removes the item unless it was moved; safe to repeat.
    func discard() {
        guard isPending else { return }
        isPending = false
        try? FileSystem.removeTree(path)
        lock.release()
    }

    /// Removes items whose makers are gone, as far as this user may.
    static func removeStale(in directory: FilePath, prefix: String) {
        let names = (try? FileSystem.list(directory)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let path = directory.appending(name)
            guard let type = try? FileSystem.status(path).type, type == .regular || type == .directory,
                let lock = try? FileLock.tryAcquire(path, .exclusive)
            else { continue }
            try? FileSystem.removeTree(path)
            lock.release()
        }
    }

    private static func make(_ kind: Kind, _ path: FilePath) throws {
        switch kind {
        case .directory: try FileSystem.makeDirectory(path, mode: 0o700)
        case .file:
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
            let descriptor = open(path.string, flags, 0o640)
            guard descriptor >= 0 else { throw RuntimeError.systemCall("open", path, lastErrno) }
            defer { close(descriptor) }
            guard fchmod(descriptor, 0o640) == 0 else { throw RuntimeError.systemCall("chmod", path, lastErrno) }
        }
    }

    private static func lock(_ path: FilePath) throws -> FileLock? {
        do {
            let lock = try FileLock.acquire(path, .exclusive)
            let isSame = try FileSystem.status(path).inode == FileSystem.status(of: lock.descriptor).inode
            return isSame ? lock : nil
        } catch let error as RuntimeError where error.code == .notFound {
            return nil
        }
    }
}
