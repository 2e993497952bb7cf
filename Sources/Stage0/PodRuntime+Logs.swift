// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import LinuxPlatform
import PodJournal
import PodStore
import SystemPackage

/// Which entries of a pod's journal are wanted.
package struct LogRequest: Sendable {
    /// Those of one app.
    package var app: String?
    /// Those from this time on, in microseconds since 1970.
    package var since: UInt64 = 0
    /// Also those that are still to come.
    package var follows = false

    package init() {}

    func admits(_ entry: JournalEntry) -> Bool {
        guard entry.realtime >= since else { return false }
        guard let app else { return true }
        return entry.app(among: [app]) != nil
    }
}

extension PodRuntime {
    /// Passes on the entries of a pod's journal in their order; a pod that has not run has none.
    ///
    /// - Parameters:
    ///   - start: called once before the first entry, with the pod.
    ///   - body: called for each entry.
    package func readLogs(
        of prefix: String, _ request: LogRequest, start: (PodUUID) -> Void = { _ in },
        _ body: (JournalEntry) throws -> Void
    ) throws {
        let pod = try pods.find(prefix)
        if let app = request.app, let names = try? pod.manifest().apps.map(\.name.string) {
            _ = try PodRuntime.chooseApp(app, of: names, in: pod.uuid)
        }
        start(pod.uuid)
        let reader = JournalReader(JournalDirectory(pod.layout.journal))
        var backoff = Backoff()
        while true {
            // Asked before reading: when the pod has ended, everything is there.
            let now = pods.pod(pod.uuid)
            if let now { reader.directory = JournalDirectory(now.layout.journal) }
            while let entry = try reader.next() {
                backoff = Backoff()
                if request.admits(entry) { try body(entry) }
            }
            if reader.takeMissed() { notices.write("logs", "entries were removed before they were read") }
            guard request.follows, let now, PodRuntime.mayLog(now.state) else { return }
            _ = backoff.pause()
        }
    }

    /// Passes on the lines that the kernel of a pod's machine wrote, without their line ends; a pod that has not run has
    /// none. A line of more than 4 KiB arrives in pieces.
    package func readConsole(of prefix: String, follows: Bool, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        let uuid = try pods.find(prefix).uuid
        var file: FileDescriptor?
        defer { try? file?.close() }
        var buffer = [UInt8](repeating: 0, count: 4096)
        var line: [UInt8] = []
        var backoff = Backoff()
        while true {
            // Asked before reading: when the pod has ended, everything is there.
            let now = pods.pod(uuid)
            if file == nil, let path = now?.layout.console, FileSystem.exists(path) {
                file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
            }
            while let file {
                let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                guard count > 0 else { break }
                backoff = Backoff()
                for byte in buffer[..<count] {
                    if byte != UInt8(ascii: "\n") { line.append(byte) }
                    guard byte == UInt8(ascii: "\n") || line.count == buffer.count else { continue }
                    try body(line[...].trimmingCarriageReturn)
                    line.removeAll(keepingCapacity: true)
                }
            }
            guard follows, let now, PodRuntime.mayLog(now.state) else { break }
            _ = backoff.pause()
        }
        if !line.isEmpty { try body(line[...].trimmingCarriageReturn) }
    }

    /// Whether entries may still come.
    private static func mayLog(_ state: PodState) -> Bool {
        switch state {
        case .embryo, .preparing, .prepared, .running: true
        case .abortedPrepare, .exited, .exitedDeleting, .exitedGarbage, .deleting, .garbage: false
        }
    }
}

extension ArraySlice<UInt8> {
    /// A serial console ends its lines with two bytes.
    fileprivate var trimmingCarriageReturn: ArraySlice<UInt8> {
        last == UInt8(ascii: "\r") ? dropLast() : self
    }
}
