// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import LinuxPlatform
import PodJournal
import SystemPackage
import TestSupport
import Testing

struct JournalFilesTests {
    private let scratch: ScratchDirectory
    private let directory: JournalDirectory

    init() throws {
        scratch = try ScratchDirectory()
        directory = JournalDirectory(scratch.appending("journal"))
    }

    private func writer(fileLimit: Int = 1 << 20) throws -> JournalWriter {
        try JournalWriter(directory, machineID: "0", fileLimit: fileLimit)
    }

    private func entry(_ number: Int) -> JournalEntry {
        ExportFormatTests.entry([Array("MESSAGE=\(number)".utf8)], at: UInt64(number))
    }

    private func rest(of reader: JournalReader) throws -> [Int] {
        var numbers: [Int] = []
        while let entry = try reader.next() { numbers.append(Int(entry.realtime)) }
        return numbers
    }

    @Test func aReaderFollowsTheWriterFromFileToFile() throws {
        let reader = JournalReader(directory)
        #expect(try reader.next() == nil)
        let writer = try writer()
        #expect(try reader.next() == nil)
        for number in 0..<3 { _ = try writer.append(entry(number)) }
        #expect(try rest(of: reader) == [0, 1, 2])
        _ = try writer.append(entry(3))
        try writer.rotate()
        _ = try writer.append(entry(4))
        #expect(try rest(of: reader) == [3, 4])
        #expect(!reader.takeMissed())
    }

    @Test func theLastTwoFilesAreKeptWithWhatBelongsToThem() throws {
        let one = try writer().append(entry(0)).count
        let writer = try writer(fileLimit: one * 3)
        #expect(writer.position.number == 2)
        let slow = JournalReader(directory)
        #expect(try slow.next()?.realtime == 0)
        for number in 1...5 {
            try FileSystem.write([], to: directory.binary(number))
            try FileSystem.write([], to: directory.path.appending("system-\(number)@0-0-0.journal"))
        }
        try FileSystem.write([1, 2, 3], to: directory.binary(3))
        try FileSystem.write([4], to: directory.path.appending("system-3@0-0-0.journal"))
        #expect(try directory.binarySize(3) == 4)
        for number in 1...8 { _ = try writer.append(entry(number)) }
        #expect(try directory.numbers() == [3, 4])
        let names = try FileSystem.list(directory.path)
        #expect(!names.contains { $0.hasPrefix("system-1") || $0.hasPrefix("system-2") })
        #expect(names.contains("system-3@0-0-0.journal"))
        #expect(try rest(of: JournalReader(directory)) == [4, 5, 6, 7, 8])
        #expect(try rest(of: slow) == [4, 5, 6, 7, 8])
        #expect(slow.takeMissed())
        #expect(!slow.takeMissed())
    }

    @Test func aReaderBeginsWhereItIsTold() throws {
        let writer = try writer()
        _ = try writer.append(entry(0))
        let position = writer.position
        _ = try writer.append(entry(1))
        try writer.rotate()
        _ = try writer.append(entry(2))
        #expect(try rest(of: JournalReader(directory, from: position)) == [1, 2])
    }

    @Test func anEntryThatIsCutOffDoesNotHideThoseOfTheNextFile() throws {
        let writer = try writer()
        _ = try writer.append(entry(0))
        let file = try FileDescriptor.open(directory.entries(1), .writeOnly, options: [.append])
        try file.writeAll("__REALTIME_TIMESTAMP=5\nMESS".utf8)
        try file.close()
        let reader = JournalReader(directory)
        #expect(try rest(of: reader) == [0])
        _ = try self.writer().append(entry(1))
        #expect(try rest(of: reader) == [1])
    }

    @Test func theReaderFollowsAPodThatMoves() throws {
        let writer = try writer()
        _ = try writer.append(entry(0))
        let reader = JournalReader(directory)
        #expect(try rest(of: reader) == [0])
        let moved = JournalDirectory(scratch.appending("moved"))
        try FileSystem.rename(directory.path, to: moved.path)
        reader.directory = moved
        _ = try writer.append(entry(1))
        #expect(try rest(of: reader) == [1])
    }

    @Test func theLinkIsMadeOnlyWhereAJournalDirectoryIs() throws {
        let host = scratch.appending("host"), target = scratch.appending("pod")
        let link = JournalLink(machineID: "00ff", in: host)
        #expect(try link.make(to: target) == false)
        try FileSystem.makeDirectory(host)
        try link.follow(to: target)
        #expect(try FileSystem.list(host) == [])
        #expect(try link.make(to: target))
        #expect(try FileSystem.readSymbolicLink(host.appending("00ff")) == target.string)
        try link.follow(to: scratch.appending("moved"))
        #expect(try FileSystem.readSymbolicLink(host.appending("00ff")) == scratch.appending("moved").string)
        try link.remove()
        try link.remove()
        #expect(try FileSystem.list(host) == [])
    }

    @Test func aDirectoryOfJournaldIsLeftAlone() throws {
        let host = scratch.appending("host")
        try FileSystem.makeDirectories(host.appending("00ff"))
        let link = JournalLink(machineID: "00ff", in: host)
        #expect(try link.make(to: scratch.path) == false)
        try link.remove()
        #expect(try FileSystem.status(host.appending("00ff")).type == .directory)
    }
}
