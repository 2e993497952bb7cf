// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Guest
import SystemPackage

/// Reads all entries of a journal file.
@_cdecl("rkt_fuzz_journal")
package func fuzzJournal(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    withMemoryFile(bytes, count) { file in
        guard let journal = try? JournalFile(FilePath("/proc/self/fd/\(file.rawValue)")) else { return }
        var entries = 0
        while journal.next() != nil { entries += 1 }
        precondition(entries <= count / 64, "more entries than the file has room for")
        _ = journal.isFinished
    }
}
