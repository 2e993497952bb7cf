// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import SystemPackage

/// The program that runs a file: the one behind `#!`, or an ELF file's PT_INTERP (elf(5)).
package enum Interpreter {
    /// Nil when the kernel runs the file itself, or cannot run it.
    ///
    /// What is no regular file is not opened: an image may have a fifo or a device where a program is looked for, and
    /// opening these can take for ever or have effects.
    package static func of(_ path: FilePath) -> String? {
        guard (try? FileSystem.status(path, followSymbolicLink: true).type) == .regular else { return nil }
        let descriptor = open(path.string, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var start = [UInt8](repeating: 0, count: 4096)
        // SAFETY: the buffer outlives the call and its size is passed.
        let count = start.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count > 2 else { return nil }
        return parse(Array(start[..<count]))
    }

    /// - Parameter start: the first bytes of the file; headers beyond them are not looked at.
    package static func parse(_ start: [UInt8]) -> String? {
        if start.starts(with: Array("#!".utf8)) {
            let line = start.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
            let words = String(decoding: line, as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "\t" })
            return words.first.map(String.init)
        }
        // 64-bit little-endian only: what this program runs on.
        guard start.count >= 64, start.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { return nil }
        func number(_ offset: Int, _ width: Int) -> Int? {
            guard offset >= 0, offset <= start.count - width else { return nil }
            return (0..<width).reduce(0) { $0 | Int(truncatingIfNeeded: UInt64(start[offset + $1]) << UInt64($1 * 8)) }
        }
        guard let table = number(32, 8), let size = number(54, 2), let entries = number(56, 2) else { return nil }
        for index in 0..<min(entries, 64) {
            let (entry, overflow) = table.addingReportingOverflow(index * size)
            guard !overflow, let type = number(entry, 4) else { return nil }
            guard type == 3 else { continue }
            guard let offset = number(entry + 8, 8), let length = number(entry + 32, 8), offset >= 0, length > 1,
                length <= start.count, offset <= start.count - length
            else { return nil }
            return String(decoding: start[offset..<offset + length - 1], as: UTF8.self)
        }
        return nil
    }
}
