// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Stage1
import Testing

struct StreamRingTests {
    private func text(_ ring: StreamRing, from position: Int) -> String {
        var bytes: [UInt8] = []
        while position + bytes.count < ring.end {
            let more = ring.read(from: position + bytes.count, most: 3)
            guard !more.isEmpty else { break }
            bytes += more
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func theNewestBytesAreKeptInOrder() {
        var ring = StreamRing(limit: 10, history: 4)
        var all = ""
        for piece in ["ab", "", "cdefg", "hijklmnopqrstuvw", "x", "yz0123456789", "!"] {
            ring.append(Array(piece.utf8))
            all += piece
            #expect(ring.end == all.utf8.count)
            #expect(ring.start == max(0, all.utf8.count - 10))
            #expect(text(ring, from: ring.start) == String(all.suffix(10)))
        }
    }

    @Test func nothingIsReadBeforeTheOldestByteOrBehindTheNewest() {
        var ring = StreamRing(limit: 4, history: 4)
        #expect(ring.read(from: 0, most: 10).isEmpty)
        ring.append(Array("abcdef".utf8))
        #expect(ring.read(from: 1, most: 10).isEmpty)
        #expect(ring.read(from: 6, most: 10).isEmpty)
        #expect(ring.read(from: 5, most: 0).isEmpty)
        #expect(text(ring, from: 2) == "cdef")
    }

    @Test(
        arguments: [
            ("", ""), ("short", "short"), ("one\ntwo\n", "one\ntwo\n"),
            // More than the history of eight bytes: the first line that begins in there.
            ("first line\nab\ncd\n", "ab\ncd\n"), ("first line\n1234567\n", "1234567\n"),
            // No line begins in there.
            ("a line without an end", "t an end"), ("a long line with an end\n", " an end\n"),
        ])
    func historyBeginsWithALine(written: String, history: String) {
        var ring = StreamRing(limit: 32, history: 8)
        ring.append(Array(written.utf8))
        #expect(text(ring, from: ring.historyStart) == history)
    }

    @Test func historyIsFoundWhereTheRingHasWrapped() {
        var ring = StreamRing(limit: 12, history: 8)
        for number in 10..<60 { ring.append(Array("\(number)\n".utf8)) }
        #expect(text(ring, from: ring.historyStart) == "58\n59\n")
        var whole = StreamRing(limit: 6, history: 6)
        for number in 10..<60 { whole.append(Array("\(number)\n".utf8)) }
        // What is before the oldest byte is not known, so a line may begin there.
        #expect(text(whole, from: whole.historyStart) == "59\n")
    }
}
