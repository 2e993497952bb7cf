// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What a standard stream of an app is connected to.
package enum StreamMode: UInt16, Sendable, CaseIterable {
    /// `/dev/null`.
    case nothing = 0
    /// The guest's journal; for output only.
    case journal = 1
    /// A pipe of the agent's.
    case stream = 2
    /// A terminal of the agent's, one for all streams of the app that have this mode.
    case terminal = 3

    /// Whether the agent has the other end.
    package var isShared: Bool { self == .stream || self == .terminal }

    init(from reader: inout FieldReader) throws(ProtocolError) {
        guard let mode = StreamMode(rawValue: try reader.readUInt16()) else { throw .malformed("unknown stream mode") }
        self = mode
    }
}
