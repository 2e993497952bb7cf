// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Frames on QEMU's stream: each after its length, four bytes in network order (`-netdev stream`).
package enum FrameLine {
    /// Bytes of a frame; what QEMU 7.2 has room for.
    package static let longestFrame = 4096 + 65_536
    package static let prefix = 4

    /// The length and the frame, to be sent.
    package static func encoded(_ frame: some Collection<UInt8>) -> [UInt8] {
        let count = UInt32(frame.count)
        return [UInt8(count >> 24), UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)] + frame
    }

    package struct TooLong: Error, Equatable {
        package let length: Int
    }

    /// Takes the first frame off what has been received.
    ///
    /// - Returns: nil when it is not complete yet.
    /// - Throws: for a frame that no QEMU sends.
    package static func next(_ received: inout ArraySlice<UInt8>) throws(TooLong) -> ArraySlice<UInt8>? {
        guard received.count >= prefix else { return nil }
        let length = received.prefix(prefix).reduce(0) { $0 << 8 | Int($1) }
        guard length <= longestFrame else { throw TooLong(length: length) }
        guard received.count >= prefix + length else { return nil }
        let frame = received.dropFirst(prefix).prefix(length)
        received = received.dropFirst(prefix + length)
        return frame
    }
}
