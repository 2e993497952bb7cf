// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The unit in which rkt and the `download` program talk.
///
/// Twelve bytes precede the payload: version, kind, two zeros, and as little-endian 32-bit numbers the request's number
/// and the length of the payload.
package struct DownloadFrame: Sendable, Equatable {
    /// What the payload is.
    package enum Kind: UInt8, Sendable {
        /// To the program: a `DownloadStart`; the file's descriptor comes with it if there is one.
        case start = 1
        /// To the program: the answer told of may be written. No payload.
        case proceed = 2
        /// To the program: stop; the request still ends with `finished` or `failed`. No payload.
        case cancel = 3
        /// From the program: an `HTTPResponse` whose body waits for `proceed`.
        case answer = 16
        /// From the program: a `DownloadProgress`.
        case progress = 17
        /// From the program: a part of the body, for an answer in memory.
        case data = 18
        /// From the program: the `HTTPResponse`, without its body. It is the last frame of a request.
        case finished = 19
        /// From the program: a `DownloadFailure`. It is the last frame of a request.
        case failed = 20
        /// From the program: a line of text for people who look for faults.
        case trace = 21
    }

    /// Changes with every change of frames and messages: both programs are of one release.
    package static let version: UInt8 = 1
    /// The largest payload.
    package static let limit = 1 << 20
    static let headerLength = 12

    package var kind: Kind
    package var id: UInt32
    package var payload: [UInt8]

    package init(_ kind: Kind, _ id: UInt32, _ payload: [UInt8] = []) {
        self.kind = kind
        self.id = id
        self.payload = payload
    }

    /// The frame as it is sent.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = [Self.version, kind.rawValue, 0, 0]
        for number in [id, UInt32(payload.count)] {
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        return bytes + payload
    }
}

/// Cuts what comes in into frames.
package struct DownloadFrameReader: Sendable {
    /// Why the bytes are no frames.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case version(UInt8)
        case kind(UInt8)
        case length(UInt32)

        package var description: String {
            switch self {
            case .version(let version): "protocol version \(version) in place of \(DownloadFrame.version)"
            case .kind(let kind): "unknown kind of frame \(kind)"
            case .length(let length): "frame of \(length) bytes"
            }
        }
    }

    private var buffer: [UInt8] = []

    package init() {}

    package mutating func append(_ bytes: some Collection<UInt8>) { buffer += bytes }

    /// The next frame, or nil until more bytes have come. A header is checked before its payload is waited for.
    package mutating func next() throws(Failure) -> DownloadFrame? {
        guard let version = buffer.first else { return nil }
        guard version == DownloadFrame.version else { throw .version(version) }
        guard buffer.count >= DownloadFrame.headerLength else { return nil }
        guard let kind = DownloadFrame.Kind(rawValue: buffer[1]), buffer[2] == 0, buffer[3] == 0 else {
            throw .kind(buffer[1])
        }
        let length = number(at: 8)
        guard length <= DownloadFrame.limit else { throw .length(length) }
        let end = DownloadFrame.headerLength + Int(length)
        guard buffer.count >= end else { return nil }
        let frame = DownloadFrame(kind, number(at: 4), Array(buffer[DownloadFrame.headerLength..<end]))
        buffer.removeFirst(end)
        return frame
    }

    private func number(at index: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(buffer[index + $1]) << (8 * UInt32($1)) }
    }
}
