// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Looks at frames that an interface receives, and may send them out of another one (tc-u32(8), tc-mirred(8)).
///
/// The classifier `u32` and the action `mirred` are all that it takes; some kernels have nothing else.
package struct TrafficFilter: Sendable, Equatable {
    /// Four bytes of a frame that have to be equal to some others.
    package struct Match: Sendable, Equatable {
        /// Counted from the start of the network header; the Ethernet header has the 14 bytes before it.
        package var offset: Int32
        /// The first byte is the most significant.
        package var value: UInt32
        /// Which bits count.
        package var mask: UInt32

        package init(at offset: Int32, _ value: UInt32, mask: UInt32 = .max) {
            self.offset = offset
            self.value = value & mask
            self.mask = mask
        }
    }

    /// What the Ethernet header says that a frame carries (`ETH_P_*`).
    package enum Content: UInt16, Sendable {
        case any = 0x0003
        case ipv4 = 0x0800
        case arp = 0x0806
        case ipv6 = 0x86dd
    }

    package enum Action: Sendable, Equatable {
        /// The frame leaves through the interface, and this host sees nothing of it.
        case redirect(NetworkLink)
        /// The frame leaves through the interface, and goes to this host's own protocols as well.
        case copy(NetworkLink)
        /// No later filter is asked: the frame goes to this host's own protocols.
        case keep
    }

    package var content: Content
    /// All have to hold; none for every frame.
    package var matches: [Match]
    package var action: Action

    package init(_ content: Content, _ matches: [Match] = [], _ action: Action) {
        self.content = content
        self.matches = matches
        self.action = action
    }
}

/// Frames that an interface may send, or may not.
package struct FrameGate: Sendable, Equatable {
    package var content: TrafficFilter.Content
    /// All have to hold; none for every frame.
    package var matches: [TrafficFilter.Match]
    package var passes: Bool

    package init(_ content: TrafficFilter.Content, _ matches: [TrafficFilter.Match], passes: Bool = true) {
        self.content = content
        self.matches = matches
        self.passes = passes
    }
}

extension TrafficFilter.Match {
    /// Bytes of a frame from an offset on.
    package static func bytes(_ bytes: [UInt8], at offset: Int32) -> [TrafficFilter.Match] {
        stride(from: 0, to: bytes.count, by: 4).map { start in
            var value: UInt32 = 0
            var mask: UInt32 = 0
            for position in 0..<4 {
                let byte = start + position < bytes.count ? bytes[start + position] : nil
                value = value << 8 | UInt32(byte ?? 0)
                mask = mask << 8 | (byte == nil ? 0 : 0xff)
            }
            return TrafficFilter.Match(at: offset + Int32(start), value, mask: mask)
        }
    }
}
