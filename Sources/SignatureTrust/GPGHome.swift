// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// A directory for gpg that holds the keys of one operation and nothing of the user's, gone with this object.
///
/// It is locked while it is in use. One that a killed process has left is taken away by the next operation.
final class GPGHome {
    let path: FilePath
    private let lock: FileLock

    private static let prefix = "rkt-gpg-"

    /// No other program is started, nothing is looked up elsewhere, and any key in the directory may sign: which ones
    /// are there, and what a signature must be like, is decided here and not by gpg.
    private static let configuration = """
        no-autostart
        no-auto-key-retrieve
        no-auto-key-locate
        no-auto-check-trustdb
        disable-dirmngr
        trust-model always
        lock-never
        no-permission-warning

        """

    init() throws {
        let parent = FilePath(ProcessImage.variable("TMPDIR").flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp")
        GPGHome.removeStale(in: parent)
        path = parent.appending(GPGHome.prefix + String(UInt64.random(in: .min ... .max), radix: 16))
        // It fails when something has the name already.
        try FileSystem.makeDirectory(path, mode: 0o700)
        do {
            lock = try FileLock.acquire(path, .exclusive)
            try FileSystem.write(GPGHome.configuration.utf8, to: path.appending("gpg.conf"), mode: 0o600)
        } catch {
            try? FileSystem.removeTree(path)
            throw error
        }
    }

    deinit { remove() }

    /// A gpg that has told its result already may take a moment to end, and make a file in that time.
    private func remove() {
        for _ in 0..<50 {
            if (try? FileSystem.removeTree(path)) != nil { break }
            usleep(2000)
        }
        lock.release()
    }

    private static func removeStale(in parent: FilePath) {
        for name in (try? FileSystem.list(parent)) ?? [] where name.hasPrefix(prefix) {
            let path = parent.appending(name)
            guard let status = try? FileSystem.status(path), status.type == .directory, status.uid == geteuid(),
                // Not one that is about to be locked.
                status.changeTime < Clock.wallNanoseconds - 60_000_000_000,
                let lock = try? FileLock.tryAcquire(path, .exclusive)
            else { continue }
            try? FileSystem.removeTree(path)
            lock.release()
        }
    }
}
