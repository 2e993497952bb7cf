// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Guest
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct JournalFilesTests {
    /// Writes a file with entries of the given numbers.
    private func write(_ numbers: ClosedRange<UInt64>, to path: FilePath, isArchived: Bool) throws {
        var builder = JournalBuilder(compact: false)
        for number in numbers { builder.entry(["MESSAGE=\(number)"], at: number, number: number) }
        builder.publish()
        if isArchived { builder.bytes[16] = 2 }
        try FileSystem.write(builder.bytes, to: path)
    }

    private func archive(_ scratch: ScratchDirectory, _ first: UInt64) -> FilePath {
        let number = String(first, radix: 16)
        let padded = String(repeating: "0", count: 16 - number.utf8.count) + number
        return scratch.appending("system@0123456789abcdef0123456789abcdef-\(padded)-0006000000000000.journal")
    }

    private func rest(of files: inout JournalFiles) -> [UInt64] {
        var numbers: [UInt64] = []
        while let entry = files.next() { numbers.append(entry.number) }
        return numbers
    }

    @Test func filesAreReadInTheirOrderAlsoWhenSeveralWereFilledMeanwhile() throws {
        let scratch = try ScratchDirectory()
        let active = scratch.appending("system.journal")
        try write(1...3, to: active, isArchived: false)
        var files = JournalFiles(scratch.path)
        #expect(files.next()?.number == 1)

        try FileSystem.rename(active, to: archive(scratch, 1))
        // The file that is open is the same one, under another name and marked.
        let mark = try FileDescriptor.open(archive(scratch, 1), .writeOnly)
        try mark.writeAll(toAbsoluteOffset: 16, [2])
        try mark.close()
        try write(4...20, to: archive(scratch, 4), isArchived: true)
        try write(21...22, to: archive(scratch, 21), isArchived: true)
        try write(23...24, to: active, isArchived: false)
        #expect(rest(of: &files) == Array(2...24))
        #expect(files.takeLost() == 0)
        #expect(rest(of: &files).isEmpty)
    }

    @Test func readingBeginsWithTheOldestFile() throws {
        let scratch = try ScratchDirectory()
        try write(1...2, to: archive(scratch, 1), isArchived: true)
        try write(3...4, to: scratch.appending("system.journal"), isArchived: false)
        var files = JournalFiles(scratch.path)
        #expect(rest(of: &files) == [1, 2, 3, 4])
    }

    @Test func removedFilesAreCounted() throws {
        let scratch = try ScratchDirectory()
        try write(1...3, to: archive(scratch, 1), isArchived: true)
        try write(11...12, to: archive(scratch, 11), isArchived: true)
        try write(13...13, to: scratch.appending("system.journal"), isArchived: false)
        var files = JournalFiles(scratch.path)
        #expect(rest(of: &files) == [1, 2, 3, 11, 12, 13])
        #expect(files.takeLost() == 7)
        #expect(files.takeLost() == 0)
    }

    @Test func anEmptyOrMissingDirectoryHasNoEntries() throws {
        let scratch = try ScratchDirectory()
        var files = JournalFiles(scratch.path)
        #expect(files.next() == nil)
        var missing = JournalFiles(scratch.appending("missing"))
        #expect(missing.next() == nil)
    }
}
