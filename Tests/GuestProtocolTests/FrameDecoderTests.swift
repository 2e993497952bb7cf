// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Testing

struct FrameDecoderTests {
    @Test func cutsFramesWhereverTheStreamIsSplit() throws {
        let frames = [
            Frame(type: 5, channel: 7, payload: Array("hello".utf8)), Frame(type: 4),
            Frame(type: 6, payload: [0, 255]),
        ]
        let stream = frames.flatMap(\.encoded)
        for step in 1...stream.count {
            var decoder = FrameDecoder()
            var found: [Frame] = []
            for start in stride(from: 0, to: stream.count, by: step) {
                decoder.append(stream[start..<min(start + step, stream.count)])
                while let frame = try decoder.next() { found.append(frame) }
            }
            #expect(found == frames)
            #expect(!decoder.isInsideFrame)
        }
    }

    @Test func refusesAnOversizedFrameBeforeItsPayloadArrives() {
        var decoder = FrameDecoder(limit: 16)
        decoder.append(Frame(type: 1, payload: [UInt8](repeating: 0, count: 17)).encoded.prefix(Frame.headerLength))
        #expect(throws: ProtocolError.frameTooLarge(length: 17, limit: 16)) { try decoder.next() }
    }

    @Test func refusesReservedBits() {
        var decoder = FrameDecoder()
        var bytes = Frame(type: 1).encoded
        bytes[6] = 1
        decoder.append(bytes)
        #expect(throws: ProtocolError.reservedBits) { try decoder.next() }
    }
}
