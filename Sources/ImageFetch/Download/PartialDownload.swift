// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import Diagnostics
import Glibc
import HTTPTransport
import LinuxPlatform
import SystemPackage

/// A download's file, which outlives this process if the download is broken off: a later one goes on from there.
///
/// It is `download-KEY` with KEY the SHA-256 of the URL, and `download-KEY.json` beside it says which state of the
/// resource the bytes belong to. Whoever works on it holds a lock on it.
final class PartialDownload {
    let url: String
    let file: FileDescriptor
    /// How many bytes are there from earlier.
    let offset: Int64
    /// The entity tag or date that these bytes belong to.
    let validator: String?

    private let path: FilePath
    private let lock: FileLock
    private var isOpen = true

    static let prefix = "download-"
    /// Seconds after which a download that nobody goes on with is removed.
    private static let patience: Int64 = 7 * 24 * 3600

    /// What orders the downloads of one process, so that two processes cannot wait for each other.
    static func key(_ url: String) -> String { AmazonSignature.hex(SHA256.hash(data: Array(url.utf8))) }

    /// Opens the file of a URL, and waits for another process that is at it.
    ///
    /// - Parameter waiting: called when there is somebody to wait for.
    init(_ url: String, in directory: FilePath, waiting: () -> Void = {}) throws {
        self.url = url
        let path = directory.appending(PartialDownload.prefix + PartialDownload.key(url))
        self.path = path
        (file, lock) = try PartialDownload.open(path, waiting)
        let known = PartialDownload.record(path).flatMap { $0.url == url ? $0.validator : nil }
        let size = try FileSystem.status(of: file).size
        if let known, size > 0 {
            offset = size
            validator = known
        } else {
            if size > 0, ftruncate(file.rawValue, 0) != 0 { throw RuntimeError.systemCall("ftruncate", path, .ioError) }
            offset = 0
            validator = nil
        }
    }

    deinit { close() }

    /// Writes down what the bytes to come belong to. Without that they could not be gone on with.
    struct Recorder: Sendable {
        fileprivate let url: String
        fileprivate let path: FilePath

        /// Called before the first byte is written.
        func record(_ response: HTTPResponse) throws {
            var record = JSONObject()
            record.set("url", .string(url))
            if let validator = response.validator { record.set("validator", .string(validator)) }
            try FileSystem.writeAtomically(JSONValue.object(record).encoded().utf8, to: path, mode: 0o660)
        }
    }

    var recorder: Recorder { Recorder(url: url, path: PartialDownload.recordPath(path)) }

    /// Forgets what there is from earlier.
    func cut() {
        ftruncate(file.rawValue, 0)
        try? FileSystem.remove(PartialDownload.recordPath(path))
    }

    /// Opens the file for reading from its beginning.
    func openForReading() throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
    }

    /// Leaves what there is for a later download.
    func close() {
        guard isOpen else { return }
        isOpen = false
        if (try? FileSystem.status(of: file).size) == 0 { remove() }
        try? file.close()
        lock.release()
    }

    /// Removes what there is.
    func discard() {
        guard isOpen else { return }
        remove()
        close()
    }

    private func remove() {
        try? FileSystem.remove(PartialDownload.recordPath(path))
        try? FileSystem.remove(path)
    }

    /// Removes what nobody has gone on with for a week.
    static func removeStale(in directory: FilePath) {
        for name in (try? FileSystem.list(directory)) ?? [] where name.hasPrefix(prefix) && !name.hasSuffix(".json") {
            let path = directory.appending(name)
            guard let status = try? FileSystem.status(path), status.type == .regular,
                Int64(time(nil)) - status.modificationTime / 1_000_000_000 > patience,
                let lock = try? FileLock.tryAcquire(path, .exclusive)
            else { continue }
            try? FileSystem.remove(recordPath(path))
            try? FileSystem.remove(path)
            lock.release()
        }
    }

    // MARK: - Parts

    private static func recordPath(_ path: FilePath) -> FilePath { FilePath(path.string + ".json") }

    private static func record(_ path: FilePath) -> (url: String, validator: String?)? {
        guard let bytes = try? FileSystem.read(recordPath(path), limit: 64 << 10),
            let value = try? JSONValue(parsing: bytes), let url = value["url"]?.string
        else { return nil }
        return (url, value["validator"]?.string)
    }

    private static func open(_ path: FilePath, _ waiting: () -> Void) throws -> (FileDescriptor, FileLock) {
        while true {
            let descriptor = Glibc.open(path.string, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o660)
            guard descriptor >= 0 else {
                throw RuntimeError.systemCall("open", path, Errno(rawValue: errno))
            }
            let file = FileDescriptor(rawValue: descriptor)
            // Another member of the group may go on with it, whatever this one's umask; only its owner can say so.
            fchmod(descriptor, 0o660)
            do {
                let lock: FileLock
                if let free = try FileLock.tryAcquire(path, .exclusive) {
                    lock = free
                } else {
                    waiting()
                    lock = try FileLock.acquire(path, .exclusive)
                }
                // Its last holder may have removed it.
                let held = try FileSystem.status(of: lock.descriptor).inode
                if let now = try? FileSystem.status(path).inode, now == held,
                    try FileSystem.status(of: file).inode == held
                {
                    return (file, lock)
                }
            } catch let error as RuntimeError where error.code == .notFound {
                // Removed between the two calls.
            } catch {
                try? file.close()
                throw error
            }
            try? file.close()
        }
    }
}
