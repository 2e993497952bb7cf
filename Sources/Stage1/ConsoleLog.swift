// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import LinuxPlatform
import SystemPackage

/// What the guest's kernel writes to its serial console: kept in a file of bounded size, its end also in memory.
struct ConsoleLog {
    private static let fileLimit = 1 << 20
    private static let tailLimit = 8 << 10

    private let file: FileDescriptor?
    private var written = 0
    private var tail: [UInt8] = []

    init(path: FilePath) {
        let descriptor = open(path.string, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o640)
        file = descriptor < 0 ? nil : FileDescriptor(rawValue: descriptor)
    }

    mutating func append(_ bytes: [UInt8]) {
        if let file, written < Self.fileLimit {
            try? FileSystem.writeAll(Array(bytes.prefix(Self.fileLimit - written)), to: file)
            written += bytes.count
        }
        tail += bytes
        if tail.count > Self.tailLimit { tail.removeFirst(tail.count - Self.tailLimit) }
    }

    /// The last lines, without control characters: what a guest writes must not reach a terminal as it is.
    ///
    /// A kernel may write a long trace after the line that says why it panicked. That line, and the one before it, then come
    /// first.
    func lastLines(_ count: Int) -> [String] {
        let text = String(decoding: tail.filter { $0 == 10 || $0 >= 32 && $0 < 127 }, as: UTF8.self)
        let lines = text.split(separator: "\n").map(String.init)
        guard let panic = lines.firstIndex(where: { $0.contains("Kernel panic - not syncing") }),
            panic <= lines.count - count, count > 2
        else { return lines.suffix(count) }
        return lines[max(0, panic - 1)...panic] + lines.suffix(count - 2)
    }

    func close() { try? file?.close() }
}
