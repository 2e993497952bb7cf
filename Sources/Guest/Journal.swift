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

    /// Waits until journald has stored every message sent to it before this call (its Varlink method
    /// io.systemd.Journal.Synchronize).
    func synchronize() {
        guard let socket = try? UnixSocket.connect(GuestLayout.journalDirectory.appending("io.systemd.journal")) else {
            return
        }
        defer { try? socket.close() }
        let call = Array(#"{"method":"io.systemd.Journal.Synchronize"}"#.utf8) + [0]
        guard (try? FileSystem.writeAll(call, to: socket)) != nil else { return }
        let deadline = Clock.milliseconds + 5000
        var buffer = [UInt8](repeating: 0, count: 4096)
        while Clock.milliseconds < deadline {
            let ready = try? Poll.wait([(socket, .read)], timeout: deadline - Clock.milliseconds)
            guard let ready, !ready.isEmpty else { continue }
            // SAFETY: the buffer outlives the call and its size is passed.
            let count = buffer.withUnsafeMutableBytes { read(socket.rawValue, $0.baseAddress, $0.count) }
            if count <= 0 || buffer[..<count].contains(0) { return }
        }
    }
}
