// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// The files of a journal, one after the other.
///
/// journald writes to `system.journal`. When that is full it becomes `system@ID-NUMBER-TIME.journal`, with the number of
/// its first entry; the oldest are removed when all of them take too much space.
package struct JournalFiles {
    private let directory: FilePath
    private var current: JournalFile?
    /// Number of the entry read last.
    private var last: UInt64 = 0
    private var lost: UInt64 = 0

    package init(_ directory: FilePath) { self.directory = directory }

    /// The next complete entry, or nil when there is none yet.
    package mutating func next() -> JournalFile.Entry? {
        while true {
            guard let file = current ?? open() else { return nil }
            current = file
            if let entry = file.next() {
                if entry.number > last {
                    // Numbers begin with 1 and have no gaps.
                    lost += entry.number - last - 1
                    last = entry.number
                }
                return entry
            }
            guard file.isFinished else { return nil }
            current = nil
            guard let following = open(), following.inode != file.inode else {
                current = file
                return nil
            }
            current = following
        }
    }

    package mutating func takeLost() -> UInt64 {
        defer { lost = 0 }
        return lost
    }

    /// The file that holds the entry after the last one.
    private func open() -> JournalFile? {
        // What is removed or renamed meanwhile is looked for again.
        for _ in 0..<10 {
            let archived = ((try? FileSystem.list(directory)) ?? []).compactMap { name in
                JournalFiles.firstNumber(of: name).map { (number: $0, name: name) }
            }
            let following = archived.filter { $0.number > last }.min { $0.number < $1.number }
            if let file = try? JournalFile(directory.appending(following?.name ?? "system.journal")) { return file }
            if following == nil { return nil }
        }
        return nil
    }

    private static func firstNumber(of name: String) -> UInt64? {
        guard name.hasPrefix("system@"), name.hasSuffix(".journal") else { return nil }
        let parts = name.dropLast(8).split(separator: "-")
        return parts.count == 3 ? UInt64(parts[1], radix: 16) : nil
    }
}
