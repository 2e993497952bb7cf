// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import Testing

struct DownloadFrameTests {
    private static let frame = DownloadFrame(.data, 0x0102_0304, [1, 2, 3])

    @Test func hasALayoutThatOtherReleasesCanRead() {
        #expect(Self.frame.bytes == [1, 18, 0, 0, 4, 3, 2, 1, 3, 0, 0, 0, 1, 2, 3])
    }

    @Test(arguments: [1, 2, 7, 12, 14, 100])
    func isReadInPiecesOfAnySize(size: Int) throws {
        let frames = [Self.frame, DownloadFrame(.proceed, 7), Self.frame]
        let bytes = frames.flatMap(\.bytes)
        var reader = DownloadFrameReader()
        var read: [DownloadFrame] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            reader.append(bytes[start..<min(start + size, bytes.count)])
            while let frame = try reader.next() { read.append(frame) }
        }
        #expect(read == frames)
    }

    @Test(
        arguments: [
            ([2], DownloadFrameReader.Failure.version(2)),
            ([1, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .kind(99)),
            ([1, 18, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], .kind(18)),
            ([1, 18, 0, 0, 0, 0, 0, 0, 1, 0, 16, 0], .length((1 << 20) + 1)),
            ([1, 18, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255], .length(.max)),
        ] as [([UInt8], DownloadFrameReader.Failure)])
    func isRefusedBeforeItsPayloadHasCome(bytes: [UInt8], failure: DownloadFrameReader.Failure) {
        var reader = DownloadFrameReader()
        reader.append(bytes)
        #expect(throws: failure) { try reader.next() }
    }
}

struct ValidatorTests {
    @Test(
        arguments: [
            ([("ETag", "\"a\"")], "\"a\""), ([("ETag", "W/\"a\"")], nil), ([("ETag", "")], nil), ([], nil),
            ([("Last-Modified", "x"), ("Date", "y")], "x"), ([("Last-Modified", "x"), ("Date", "x")], nil),
            ([("Last-Modified", "x")], nil), ([("ETag", "W/\"a\""), ("Last-Modified", "x"), ("Date", "y")], nil),
        ] as [([(String, String)], String?)])
    func identifiesBytesOnlyWhereTheServerDoes(fields: [(String, String)], expected: String?) {
        let response = HTTPResponse(status: 200, fields: fields.map { HTTPField($0.0, $0.1) }, url: "https://a/")
        #expect(response.validator == expected)
    }
}
