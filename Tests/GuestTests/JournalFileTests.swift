// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Guest
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct JournalFileTests {
    @Test(arguments: [true, false]) func readsEntriesInOrderAndOnlyWhenTheyCount(compact: Bool) throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("system.journal")
        var builder = JournalBuilder(compact: compact)
        builder.entry(["MESSAGE=one", "_PID=7"], compact: compact, at: 1_500_000)
        builder.publish()
        builder.entry(["MESSAGE=two\nlines"], compact: compact, at: 2)
        try FileSystem.write(builder.bytes, to: path)
        let journal = try #require(try JournalFile(path))
        let first = try #require(journal.next())
        #expect(first.content.monotonic == 1_500_000)
        #expect(first.content.text(of: "MESSAGE") == "one")
        #expect(first.content.text(of: "_PID") == "7")
        // The second stands in the file, but the header does not count it yet.
        #expect(journal.next() == nil)
        builder.publish()
        try FileSystem.write(builder.bytes, to: path)
        #expect(journal.next()?.content.text(of: "MESSAGE") == "two\nlines")
        #expect(journal.next() == nil)
        #expect(!journal.isFinished)
    }

    @Test func anArchivedFileIsFinishedWhenItsEntriesHaveBeenRead() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("system.journal")
        var builder = JournalBuilder(compact: false)
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
        var builder = JournalBuilder(compact: false)
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
