// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Commands
import Glibc
import GuestProtocol
import Testing

struct LogOutputTests {
    private func entry(_ fields: [String], message: [UInt8]? = nil) -> JournalEntry {
        setenv("TZ", "UTC0", 1)
        return JournalEntry(
            realtime: 1_767_366_245_123_456, monotonic: 7, boot: Array(1...16),
            fields: fields.map { Array($0.utf8) } + (message.map { [Array("MESSAGE=".utf8) + $0] } ?? []))
    }

    @Test func `a line is that of journalctl`() {
        let fields = ["_HOSTNAME=rkt-1", "SYSLOG_IDENTIFIER=web", "_PID=42"]
        #expect(LogText.line(entry(fields + ["MESSAGE=hello  world"])) == "Jan 02 15:04:05 rkt-1 web[42]: hello  world")
        #expect(LogText.line(entry(["MESSAGE="])) == "Jan 02 15:04:05 - unknown: ")
        #expect(LogText.line(entry(fields)) == nil)
        let early = entry(["_SOURCE_REALTIME_TIMESTAMP=1767366244000000", "MESSAGE=x"])
        #expect(LogText.line(early) == "Jan 02 15:04:04 - unknown: x")
        let indented = "Jan 02 15:04:05 rkt-1 web[42]: one\n                               two"
        #expect(LogText.line(entry(fields + ["MESSAGE=one\ntwo"])) == indented)
    }

    @Test(
        arguments: [
            (Array("\u{1b}[2J".utf8), "\\x1b[2J"), (Array("a\r\u{8}b".utf8), "a\\x0d\\x08b"), ([0xff, 65], "\\xffA"),
            (Array("\u{9b}31m".utf8), "\\x9b31m"), (Array("\u{202e}x".utf8), "\\u{202e}x"),
            (Array("ü\t€".utf8), "ü\t€"),
        ] as [([UInt8], String)])
    func `what a guest writes commands no terminal`(message: [UInt8], shown: String) throws {
        let line = try #require(LogText.line(entry([], message: message)))
        #expect(line == "Jan 02 15:04:05 - unknown: " + shown)
        let named = try #require(
            LogText.line(entry(["SYSLOG_IDENTIFIER=\u{1b}c", "_HOSTNAME=\u{7}", "_PID=\u{1b}", "MESSAGE=x"])))
        #expect(named == "Jan 02 15:04:05 \\x07 \\x1bc[\\x1b]: x")
        let json = LogJSON.object(entry([], message: message), machineID: "0")
        #expect(
            json.unicodeScalars.allSatisfy { $0.value >= 32 && !(127..<160).contains($0.value) && $0 != "\u{202e}" })
    }

    @Test func `an object has all fields`() throws {
        let json = LogJSON.object(
            entry(["PRIORITY=3", "A=1", "A=2", "MESSAGE=two\nlines \"x\""]), machineID: "00ff")
        #expect(!json.contains("\n"))
        let object = try JSONValue(parsing: Array(json.utf8))
        func value(_ key: String) -> JSONValue? { object.value(forKey: key) }
        #expect(value("__REALTIME_TIMESTAMP")?.string == "1767366245123456")
        #expect(value("_BOOT_ID")?.string == "0102030405060708090a0b0c0d0e0f10")
        #expect(value("_MACHINE_ID")?.string == "00ff")
        #expect(value("PRIORITY")?.string == "3")
        #expect(value("A")?.array?.compactMap(\.string) == ["1", "2"])
        #expect(value("MESSAGE")?.string == "two\nlines \"x\"")
        let binary = try JSONValue(parsing: Array(LogJSON.object(entry([], message: [255, 1]), machineID: "").utf8))
        #expect(binary.value(forKey: "MESSAGE")?.array?.map { $0.encoded() } == ["255", "1"])
    }
}
