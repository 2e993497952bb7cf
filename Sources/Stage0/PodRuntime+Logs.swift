// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import PodJournal
import PodStore

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

    /// Whether entries may still come.
    package static func mayLog(_ state: PodState) -> Bool {
        switch state {
        case .embryo, .preparing, .prepared, .running: true
        case .abortedPrepare, .exited, .exitedDeleting, .exitedGarbage, .deleting, .garbage: false
        }
    }
}
