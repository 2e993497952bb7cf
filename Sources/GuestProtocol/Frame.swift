// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The unit of transfer on a port: a type, a channel and some bytes.
///
/// On the wire: payload length (4 bytes), type (2), reserved zero (2), channel (4), payload; little-endian.
package struct Frame: Equatable, Sendable {
    package static let headerLength = 12
    /// Most bytes of one payload on the agent port and on a client's socket.
    package static let payloadLimit = 64 << 10
    /// Most bytes of the pod's configuration on the boot port.
    package static let configurationLimit = 8 << 20

    package var type: UInt16
    /// 0, or the number of a session.
    package var channel: UInt32
    package var payload: [UInt8]

    package init(type: UInt16, channel: UInt32 = 0, payload: [UInt8] = []) {
        self.type = type
        self.channel = channel
        self.payload = payload
    }

    package var encoded: [UInt8] {
        var writer = FieldWriter()
        writer.write(UInt32(payload.count))
        writer.write(type)
        writer.write(UInt16(0))
        writer.write(channel)
        return writer.bytes + payload
    }
}

/// Cuts a stream of bytes into frames; holds at most one incomplete frame.
package struct FrameDecoder: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0
    private let limit: Int

    package init(limit: Int = Frame.payloadLimit) { self.limit = limit }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// Whether bytes of an incomplete frame wait.
    package var isInsideFrame: Bool { start < buffer.count }

    /// The next complete frame, or nil when more bytes are needed.
    package mutating func next() throws(ProtocolError) -> Frame? {
        guard buffer.count - start >= Frame.headerLength else { return nil }
        var reader = FieldReader(buffer[start..<start + Frame.headerLength])
        let length = Int(try reader.readUInt32())
        let type = try reader.readUInt16()
        let reserved = try reader.readUInt16()
        let channel = try reader.readUInt32()
        guard length <= limit else { throw .frameTooLarge(length: length, limit: limit) }
        guard reserved == 0 else { throw .reservedBits }
        let end = start + Frame.headerLength + length
        guard buffer.count >= end else { return nil }
        let payload = Array(buffer[start + Frame.headerLength..<end])
        start = end
        return Frame(type: type, channel: channel, payload: payload)
    }
}
