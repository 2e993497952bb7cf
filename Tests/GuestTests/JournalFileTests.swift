// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Guest
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Journal files made byte by byte, as https://systemd.io/JOURNAL_FILE_FORMAT describes them.
struct JournalFileTests {
    private struct Builder {
        var bytes = [UInt8](repeating: 0, count: 272)
        var entries: UInt64 = 0

        init(compact: Bool) {
            bytes.replaceSubrange(0..<8, with: Array("LPKSHHRH".utf8))
            put(compact ? 16 : 0, 12, 4)
            put(272, 88, 8)
        }

        mutating func put(_ value: UInt64, _ position: Int, _ width: Int) {
            for index in 0..<width { bytes[position + index] = UInt8(truncatingIfNeeded: value >> UInt64(index * 8)) }
        }

        mutating func object(type: UInt8, _ content: [UInt8]) -> UInt64 {
            while bytes.count % 8 != 0 { bytes.append(0) }
            let position = UInt64(bytes.count)
            bytes += [type] + [UInt8](repeating: 0, count: 15) + content
            put(UInt64(16 + content.count), Int(position) + 8, 8)
            put(position, 136, 8)
            return position
        }

        mutating func entry(_ fields: [String], compact: Bool, at microseconds: UInt64) {
            let padding = [UInt8](repeating: 0, count: compact ? 56 : 48)
            let data = fields.map { field in object(type: 1, padding + Array(field.utf8)) }
            var content = [UInt8](repeating: 0, count: 48)
            for index in 0..<8 { content[16 + index] = UInt8(truncatingIfNeeded: microseconds >> UInt64(index * 8)) }
            for offset in data {
                for index in 0..<(compact ? 4 : 8) {
                    content.append(UInt8(truncatingIfNeeded: offset >> UInt64(index * 8)))
                }
                if !compact { content += [UInt8](repeating: 0, count: 8) }
            }
            _ = object(type: 3, content)
            entries += 1
        }

        mutating func publish() { put(entries, 152, 8) }
    }

    @Test(arguments: [true, false]) func readsEntriesInOrderAndOnlyWhenTheyCount(compact: Bool) throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("system.journal")
        var builder = Builder(compact: compact)
        builder.entry(["MESSAGE=one", "_PID=7"], compact: compact, at: 1_500_000)
        builder.publish()
        builder.entry(["MESSAGE=two\nlines"], compact: compact, at: 2)
        try FileSystem.write(builder.bytes, to: path)
        let journal = try #require(try JournalFile(path))
        let first = try #require(journal.next())
        #expect(first.microseconds == 1_500_000)
        #expect(first.fields["MESSAGE"] == Array("one".utf8))
        #expect(first.fields["_PID"] == Array("7".utf8))
        // The second stands in the file, but the header does not count it yet.
        #expect(journal.next() == nil)
        builder.publish()
        try FileSystem.write(builder.bytes, to: path)
        #expect(journal.next()?.fields["MESSAGE"] == Array("two\nlines".utf8))
        #expect(journal.next() == nil)
        #expect(!journal.isFinished)
    }

    @Test func anArchivedFileIsFinishedWhenItsEntriesHaveBeenRead() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("system.journal")
        var builder = Builder(compact: false)
        builder.entry(["MESSAGE=x"], compact: false, at: 1)
        builder.publish()
        builder.bytes[16] = 2
        try FileSystem.write(builder.bytes, to: path)
        let journal = try #require(try JournalFile(path))
        #expect(!journal.isFinished)
        #expect(journal.next() != nil)
        #expect(journal.isFinished)
    }

    @Test func aMissingOrForeignFileIsNotAJournal() throws {
        let scratch = try ScratchDirectory()
        #expect(try JournalFile(scratch.appending("none")) == nil)
        try FileSystem.write([UInt8](repeating: 65, count: 4096), to: scratch.appending("text"))
        #expect(try JournalFile(scratch.appending("text")) == nil)
    }

    @Test func damageNeverCrashesTheReader() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("system.journal")
        var builder = Builder(compact: false)
        for index in 0..<4 { builder.entry(["MESSAGE=\(index)", "_PID=1"], compact: false, at: 1) }
        builder.publish()
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var bytes = builder.bytes
            for _ in 0..<8 {
                bytes[Int.random(in: 96..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            try FileSystem.write(bytes, to: path)
            guard let journal = try JournalFile(path) else { continue }
            var count = 0
            while journal.next() != nil, count < 100 { count += 1 }
        }
    }
}
