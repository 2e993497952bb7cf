// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What of an app can be attached to: its streams, and the two ways of its terminal.
package struct AttachTargets: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let stdin = AttachTargets(rawValue: 1)
    package static let stdout = AttachTargets(rawValue: 2)
    package static let stderr = AttachTargets(rawValue: 4)
    package static let terminalInput = AttachTargets(rawValue: 8)
    package static let terminalOutput = AttachTargets(rawValue: 16)

    /// All targets with their names on the command line, in the order in which they are told.
    package static let named: [(name: String, target: AttachTargets)] = [
        ("stdin", .stdin), ("stdout", .stdout), ("stderr", .stderr), ("tty-in", .terminalInput),
        ("tty-out", .terminalOutput),
    ]

    /// Whether they take what a client types.
    package var hasInput: Bool { !isDisjoint(with: [.stdin, .terminalInput]) }
    /// Whether they give a client something to show.
    package var hasOutput: Bool { !isDisjoint(with: [.stdout, .stderr, .terminalOutput]) }
    package var hasTerminal: Bool { !isDisjoint(with: [.terminalInput, .terminalOutput]) }

    /// The names of those that are among them.
    package var names: [String] { Self.named.filter { contains($0.target) }.map(\.name) }

    init(from reader: inout FieldReader) throws(ProtocolError) {
        rawValue = try reader.readUInt16()
        guard rawValue < 32 else { throw .malformed("unknown targets to attach to") }
    }
}

/// What a client of the supervisor wants to share of an app.
package struct AttachRequest: Equatable, Sendable {
    /// Most bytes of an app's name here.
    package static let nameLimit = 256

    package var app: String
    /// None asks for all there are.
    package var targets: AttachTargets
    /// The client's window; no rows when it has none.
    package var rows: UInt16
    package var columns: UInt16

    package init(app: String, targets: AttachTargets = [], rows: UInt16 = 0, columns: UInt16 = 0) {
        self.app = app
        self.targets = targets
        self.rows = rows
        self.columns = columns
    }

    func write(to writer: inout FieldWriter) {
        writer.write(app)
        writer.write(targets.rawValue)
        writer.write(rows)
        writer.write(columns)
    }

    init(from reader: inout FieldReader) throws(ProtocolError) {
        app = try reader.readString()
        guard app.utf8.count <= Self.nameLimit else { throw .malformed("a name of \(app.utf8.count) bytes") }
        targets = try AttachTargets(from: &reader)
        rows = try reader.readUInt16()
        columns = try reader.readUInt16()
    }
}
