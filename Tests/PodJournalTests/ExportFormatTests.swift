// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol
import PodJournal
import Testing

struct ExportFormatTests {
    private static let machineID = "0123456789abcdef0123456789abcdef"

    static func entry(_ fields: [[UInt8]], at realtime: UInt64 = 1_767_366_245_000_001) -> JournalEntry {
        JournalEntry(realtime: realtime, monotonic: 7, boot: Array(1...16), fields: fields)
    }

    private func decode(_ bytes: [UInt8], piece: Int = .max) throws -> [JournalEntry] {
        var decoder = ExportDecoder()
        var entries: [JournalEntry] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            decoder.append(Array(rest.prefix(piece)))
            rest = rest.dropFirst(piece)
            while let entry = try decoder.next() { entries.append(entry) }
        }
        return entries
    }

    @Test func textStandsOnLines() {
        let bytes = ExportFormat.encoded(
            Self.entry([Array("PRIORITY=3".utf8), Array("MESSAGE=grüße\t=".utf8)]), machineID: Self.machineID)
        #expect(
            String(decoding: bytes, as: UTF8.self) == """
                __REALTIME_TIMESTAMP=1767366245000001
                __MONOTONIC_TIMESTAMP=7
                _BOOT_ID=0102030405060708090a0b0c0d0e0f10
                _MACHINE_ID=0123456789abcdef0123456789abcdef
                PRIORITY=3
                MESSAGE=grüße\t=


                """)
    }

    @Test(arguments: [1, 7, 64, .max])
    func everyValueSurvives(piece: Int) throws {
        let values: [[UInt8]] = [
            [], [10], Array("two\nlines\n".utf8), [0, 255, 128], Array("a=b".utf8), Array(repeating: 65, count: 60_000),
            Array("\u{1b}[31m".utf8), [10, 10, 10],
        ]
        let entries = values.enumerated().map { index, value in
            Self.entry([Array("MESSAGE=".utf8) + value, Array("A_1=".utf8) + value], at: UInt64(index))
        }
        let bytes = entries.flatMap { ExportFormat.encoded($0, machineID: Self.machineID) }
        #expect(try decode(bytes, piece: piece == 1 ? 997 : piece) == entries)
    }

    @Test func aCutEntryIsNotThereYet() throws {
        let bytes = ExportFormat.encoded(
            Self.entry([Array("MESSAGE=x\ny".utf8), Array("B=c".utf8)]), machineID: Self.machineID)
        for count in 0..<bytes.count { #expect(try decode(Array(bytes[..<count])) == []) }
        #expect(try decode(bytes).count == 1)
    }

    @Test(
        arguments: [
            "MESSAGE=no time\n\n", "__REALTIME_TIMESTAMP=x\n\n", "__REALTIME_TIMESTAMP=-1\n\n",
            "__REALTIME_TIMESTAMP=1\nlower=x\n\n", "__REALTIME_TIMESTAMP=1\n=x\n\n", "\n",
            "__REALTIME_TIMESTAMP=1\n_BOOT_ID=12\n\n", "__REALTIME_TIMESTAMP=1\nM\n\u{1}\0\0\0\0\0\0\0xy\n\n",
            "__REALTIME_TIMESTAMP=1\nM\n\0\0\0\0\0\0\0\u{7f}x\n\n",
            "__REALTIME_TIMESTAMP=1\nM=" + String(repeating: "x", count: 300_000),
            "__REALTIME_TIMESTAMP=1\n" + String(repeating: "A=b\n", count: 300) + "\n",
        ])
    func damageIsRefused(text: String) throws {
        let error = try #require(throws: RuntimeError.self) { try decode(Array(text.utf8)) }
        #expect(error.message.hasPrefix("an entry of the pod's journal is damaged"))
    }

    @Test func nothingCrashesTheDecoder() {
        let bytes = ExportFormat.encoded(
            Self.entry([Array("MESSAGE=x\ny".utf8), Array("B=c".utf8)]), machineID: Self.machineID)
        for _ in 0..<2000 {
            var damaged = bytes + bytes
            for _ in 0..<4 { damaged[.random(in: 0..<damaged.count)] = [0, 10, 61, 65, 255].randomElement() ?? 0 }
            _ = try? decode(damaged)
        }
    }
}
