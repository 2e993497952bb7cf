// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// Where a pod's journal is on the host: entries in files of bounded size, numbered in the order of their making, and
/// beside each a file of journald's own format where the host has a program that makes it.
package struct JournalDirectory: Sendable, Hashable {
    /// The directory itself, which need not be there.
    package let path: FilePath

    package init(_ path: FilePath) { self.path = path }

    /// Entries in the export format.
    package func entries(_ number: Int) -> FilePath { path.appending("entries-\(number).export") }
    /// The same entries for journalctl(1).
    package func binary(_ number: Int) -> FilePath { path.appending("system-\(number).journal") }

    /// Numbers of the files that are there, the oldest first; a directory that is missing has none.
    package func numbers() throws -> [Int] { try names().compactMap { $0.number(after: "entries-") }.sorted() }

    /// Bytes of all that journald's format takes for one file of entries: a full file is renamed and followed by
    /// another.
    package func binarySize(_ number: Int) throws -> Int64 {
        try names().filter { $0.number(after: "system-") == number }.reduce(0) { sum, name in
            sum + ((try? FileSystem.status(path.appending(name)).size) ?? 0)
        }
    }

    /// Removes all files with lower numbers.
    func removeFiles(before number: Int) throws {
        for name in try names() {
            guard let own = name.number(after: "entries-") ?? name.number(after: "system-"), own < number else {
                continue
            }
            try FileSystem.remove(path.appending(name))
        }
    }

    private func names() throws -> [String] {
        do {
            return try FileSystem.list(path)
        } catch let error as RuntimeError where error.code == .notFound {
            return []
        }
    }
}

extension String {
    /// `3` of `system-3.journal`, and of `system-3@….journal`, which is what a full one is renamed to.
    fileprivate func number(after prefix: String) -> Int? {
        guard hasPrefix(prefix) else { return nil }
        return Int(dropFirst(prefix.count).prefix { $0.isNumber })
    }
}

/// A place between two entries of a pod's journal.
package struct JournalPosition: Sendable, Equatable {
    /// Number of the file.
    package var number: Int
    /// Bytes from its start.
    package var offset: Int

    package init(number: Int, offset: Int) {
        self.number = number
        self.offset = offset
    }
}
