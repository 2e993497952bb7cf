// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The guest's journal as a stream of entries: follows journald from one file to the next.
final class Journal {
    /// Readable when journald has taken a message: it forwards each one, as to a syslog daemon, before it is stored. Only
    /// the wake-up counts, since journald drops what a slow reader leaves, while the file loses nothing.
    let wakeUp: FileDescriptor
    private var files: JournalFiles

    init(machineID: String) throws {
        files = JournalFiles(GuestLayout.journalFiles.appending(machineID))
        let path = GuestLayout.journalDirectory.appending("syslog")
        try FileSystem.remove(path)
        wakeUp = try UnixSocket.listen(path, .datagram)
        try UnixSocket.setNonBlocking(wakeUp)
    }

    /// Forgets the wake-ups that are waiting.
    func drainWakeUps() {
        var buffer = [UInt8](repeating: 0, count: 8)
        // SAFETY: the buffer outlives the call; datagrams are cut to its size.
        while buffer.withUnsafeMutableBytes({ recv(wakeUp.rawValue, $0.baseAddress, $0.count, 0) }) >= 0 {}
    }

    func next() -> JournalFile.Entry? { files.next() }

    /// Entries that journald has removed before they were read, since this was last asked.
    func takeLost() -> UInt64 { files.takeLost() }

    /// Asks journald to store every message sent to it before this call (its Varlink method
    /// io.systemd.Journal.Synchronize).
    ///
    /// - Returns: a socket that is readable once that is done, or can no longer be; nil when journald cannot be asked.
    func synchronize() -> FileDescriptor? {
        guard let socket = try? UnixSocket.connect(GuestLayout.journalDirectory.appending("io.systemd.journal")) else {
            return nil
        }
        do {
            try FileSystem.writeAll(Array(#"{"method":"io.systemd.Journal.Synchronize"}"#.utf8) + [0], to: socket)
            return socket
        } catch {
            try? socket.close()
            return nil
        }
    }
}
