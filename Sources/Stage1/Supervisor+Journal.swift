// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import PodJournal

/// The pod's journal: entries come from the guest, are kept on the host, and only then become lines for the caller.
extension Supervisor {
    func take(_ entry: JournalEntry, bytes: Int) throws {
        try entryCredit.take(bytes)
        let position = journal.position
        journal.append(entry)
        logs.append(entry)
        guard backlog == nil, caller.outputIsOpen else { return }
        if caller.outbox.count < Limit.callerOutbox {
            pass(entry)
        } else if let position {
            // The caller reads slowly: lines wait in the pod's files.
            backlog = JournalReader(journal.directory, from: position)
        }
    }

    /// The guest may send more once what it has sent is kept.
    func returnEntryCredit() {
        let bytes = entryCredit.unreturned
        guard bytes > 0, !journal.isBehind else { return }
        try? entryCredit.giveBack(bytes)
        sendToAgent(.outputCredit(channel: 0, bytes: UInt32(bytes)))
    }

    private func pass(_ entry: JournalEntry) {
        if let line = OutputFormat.line(entry, apps: apps, all: options.debug) { caller.append(line) }
    }

    /// Gives the caller lines that have waited, when it has taken those before.
    func feedCaller() {
        guard let backlog else { return }
        guard caller.outputIsOpen else { return self.backlog = nil }
        do {
            while caller.outbox.count < Limit.callerOutbox {
                guard let entry = try backlog.next() else {
                    self.backlog = nil
                    break
                }
                pass(entry)
            }
            if backlog.takeMissed() {
                errors.notice("stage1: lines were left out: whoever reads the pod's output is too slow")
            }
        } catch {
            self.backlog = nil
            errors.notice("stage1: lines are left out: \(error)")
        }
    }
}
