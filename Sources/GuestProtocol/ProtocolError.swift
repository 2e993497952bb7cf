// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A peer broke the protocol; the connection ends.
package enum ProtocolError: Error, Equatable, CustomStringConvertible {
    /// A frame announces more bytes than its connection allows.
    case frameTooLarge(length: Int, limit: Int)
    /// A frame type that this side does not accept.
    case unknownType(UInt16)
    /// Reserved bytes of a frame header are not zero.
    case reservedBits
    /// A message ends before its fields do, or holds bytes after them.
    case malformed(String)
    /// The peer speaks another version.
    case version(UInt16)
    /// A message that is not allowed at this point of the conversation.
    case unexpected(String)

    package var description: String {
        switch self {
        case .frameTooLarge(let length, let limit): "a frame of \(length) bytes exceeds the limit of \(limit)"
        case .unknownType(let type): "unknown frame type \(type)"
        case .reservedBits: "reserved bits of a frame header are set"
        case .malformed(let message): "malformed message: \(message)"
        case .version(let version): "protocol version \(version) is not \(ProtocolVersion.current)"
        case .unexpected(let message): "unexpected message: \(message)"
        }
    }
}

/// The steps of the guest's start that mean something to the host.
package enum PhaseName {
    /// The shim's last word: after it the boot port says nothing that counts.
    package static let shimEnd = "shim"
}

/// The version both sides of a port must speak; they come from one build, so there is no negotiation.
package enum ProtocolVersion {
    package static let current: UInt16 = 6
}
