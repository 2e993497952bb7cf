// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform
import PodJournal
import SystemPackage

/// Where the pod's entries go: its files on the host, and from there to the program that makes journald's own format.
///
/// Nothing here fails: a pod runs on when its journal cannot be kept, and one line says so.
package final class JournalSink {
    package struct Options: Sendable {
        /// systemd-journal-remote(8); nil makes no files for journalctl(1).
        package var converter: FilePath?
        /// Bytes of one file of entries.
        package var fileLimit = JournalWriter.fileLimit
        /// Inherited by the converter.
        package var lock: FileDescriptor?
        package init() {}
    }

    private enum Limit {
        /// Bytes that one file of entries may take in journald's format; small fields take much room there.
        static let binary: Int64 = 96 << 20
        /// Bytes of entries between two looks at its size.
        static let look = 256 << 10
        /// Bytes that wait for the converter before the guest has to wait.
        static let behind = 1 << 20
        /// Milliseconds for the converter to end.
        static let patience = 5000
    }

    let directory: JournalDirectory
    private let options: Options
    private let complain: (String) -> Void
    private var writer: JournalWriter?
    private var converter: JournalConverter?
    private var sinceLook = 0
    private var hasComplained = false

    init(_ directory: JournalDirectory, machineID: String, options: Options, complain: @escaping (String) -> Void) {
        self.directory = directory
        self.options = options
        self.complain = complain
        do {
            writer = try JournalWriter(directory, machineID: machineID, fileLimit: options.fileLimit)
        } catch {
            complainOnce("the pod's journal is not kept: \(error)")
        }
        startConverter()
    }

    /// Where the next entry goes; nil when there is no journal.
    var position: JournalPosition? { writer?.position }

    /// Keeps an entry: when this returns, it outlives the guest.
    func append(_ entry: JournalEntry) {
        guard let writer else { return }
        do {
            let number = writer.position.number
            let bytes = try writer.append(entry)
            if writer.position.number != number { restartConverter() }
            converter?.append(bytes)
            sinceLook += bytes.count
            if sinceLook > Limit.look { try look() }
        } catch {
            complainOnce("entries of the pod's journal are lost: \(error)")
        }
    }

    /// Begins other files when journald's format has taken too much room.
    private func look() throws {
        sinceLook = 0
        guard converter != nil, let writer else { return }
        guard try directory.binarySize(writer.position.number) > Limit.binary else { return }
        try writer.rotate()
        restartConverter()
    }

    private func complainOnce(_ text: String) {
        if !hasComplained { complain(text) }
        hasComplained = true
    }

    // MARK: - The converter

    /// What to wait for before `flush()`; nil while nothing waits.
    var input: FileDescriptor? { converter.flatMap { $0.outbox.isEmpty ? nil : $0.input } }

    /// Whether the guest has to wait for the converter.
    var isBehind: Bool { converter.map { $0.outbox.count > Limit.behind } ?? false }

    func flush() {
        if let converter, !converter.flush() { loseConverter() }
    }

    /// Waits until everything stands in files.
    func finish() {
        if let converter, !converter.finish(patience: Limit.patience) { complainOfConverter() }
        converter = nil
        writer = nil
    }

    private func startConverter() {
        guard let program = options.converter, let writer else { return }
        do {
            converter = try JournalConverter(
                program, making: directory.binary(writer.position.number), lock: options.lock)
        } catch {
            complainOnce("journalctl will not show the pod: \(error)")
        }
    }

    private func restartConverter() {
        guard let old = converter else { return }
        converter = nil
        if old.finish(patience: Limit.patience) { startConverter() } else { complainOfConverter() }
    }

    private func loseConverter() {
        _ = converter?.finish(patience: 0)
        converter = nil
        complainOfConverter()
    }

    private func complainOfConverter() {
        complainOnce(
            "\(options.converter?.string ?? "") has failed: journalctl does not show all of the pod, \"rkt logs\" does")
    }
}
