// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// systemd-journal-remote(8), which makes a file for journalctl(1) of entries in the export format; it needs no
/// systemd that runs.
final class JournalConverter {
    private let process: ChildProcess
    /// The program's standard input.
    let input: FileDescriptor
    private(set) var outbox = Outbox()

    /// - Parameters:
    ///   - file: must not exist; its name ends in `.journal`.
    ///   - lock: the pod's lock, so that nobody removes the pod before the program has ended.
    init(_ program: FilePath, making file: FilePath, lock: FileDescriptor?) throws {
        let (ours, theirs) = try UnixSocket.pair()
        defer { try? theirs.close() }
        input = ours
        do {
            try UnixSocket.setNonBlocking(ours)
            let null = try FileDescriptor.open("/dev/null", .readWrite, options: [.closeOnExec])
            defer { try? null.close() }
            var descriptors = [theirs.rawValue, null.rawValue, null.rawValue]
            if let lock { descriptors.append(lock.rawValue) }
            // A session of its own: Ctrl-C is for the pod.
            process = try ChildProcess.spawn(
                SpawnRequest(
                    path: program,
                    arguments: [program.lastComponent?.string ?? "", "--split-mode=none", "--output=\(file)", "-"],
                    environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], descriptors: descriptors, newSession: true))
        } catch {
            try? ours.close()
            throw error
        }
    }

    func append(_ bytes: [UInt8]) { outbox.append(bytes) }

    /// Passes on what is taken at once.
    ///
    /// - Returns: false when the program has ended.
    func flush() -> Bool {
        while !outbox.isEmpty {
            let result = outbox.flush { send(input.rawValue, $0, $1, Int32(MSG_NOSIGNAL)) }
            switch result {
            case .written(0): return true
            case .written: continue
            case .closed: return false
            }
        }
        return true
    }

    /// Passes on the rest and waits for the program to write it; one that takes too long is killed.
    ///
    /// - Parameter patience: milliseconds.
    /// - Returns: whether everything was written.
    func finish(patience: Int) -> Bool {
        let deadline = Clock.milliseconds + patience
        var isOpen = true
        while isOpen, !outbox.isEmpty, Clock.milliseconds < deadline {
            _ = try? Poll.wait([(input, .write)], timeout: deadline - Clock.milliseconds)
            isOpen = flush()
        }
        let isComplete = isOpen && outbox.isEmpty
        try? input.close()
        while Clock.milliseconds < deadline, (try? process.poll()) == nil {
            _ = try? Poll.wait([(process.pidfd, .read)], timeout: deadline - Clock.milliseconds)
        }
        let end = try? process.poll()
        if end == nil { try? process.signal(SIGKILL) }
        _ = try? process.wait()
        process.close()
        return isComplete && end == .exited(0)
    }
}
