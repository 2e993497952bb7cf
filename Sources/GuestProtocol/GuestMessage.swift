// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What the guest says, on the boot port (shim) and on the agent port; the supervisor passes session messages on to its
/// clients in the same form.
package enum GuestMessage: Equatable, Sendable {
    package enum Role: UInt16, Sendable { case shim = 1, agent = 2 }

    /// The first message on a port: the host may speak from here on.
    case hello(version: UInt16, role: Role)
    /// A step of the start was reached, at so many microseconds of the guest's monotonic clock.
    case phase(name: String, microseconds: UInt64)
    /// The guest cannot go on.
    case failed(String)
    /// All apps have been started.
    case ready
    /// What an app, or a service of the guest, logged. Counts against the host's credit for channel 0.
    case entry(JournalEntry)
    /// An app ended; all that it logged has been sent before. The run is the host's count of starts, 0 in an immutable pod.
    case appExit(app: String, run: UInt32 = 0, status: Int32, cause: ExitCause)
    case sessionOutput(session: UInt32, stream: Stream, [UInt8])
    case sessionExit(session: UInt32, status: Int32)
    case sessionFailed(session: UInt32, String)
    /// The session's program has taken so many bytes of input.
    case inputCredit(session: UInt32, bytes: UInt32)
    /// The session's program runs.
    case sessionStarted(session: UInt32)
    /// The supervisor's answer to a client that attaches: what it has joined.
    case attached(session: UInt32, AttachTargets)
    /// The supervisor has left out so many bytes of a stream, as the client was too slow for them.
    case outputGap(session: UInt32, stream: Stream, bytes: UInt64)
    /// The guest has begun to end, whoever asked for that.
    case stopping
    /// The answer to a ping.
    case pong(number: UInt32)
    /// What was asked of a mutable pod under that number has been done.
    case requestDone(request: UInt32)
    case requestFailed(request: UInt32, String)
    /// An app's main program is about to be executed.
    case appStarted(app: String, run: UInt32)

    /// Why an app ended, which its status does not always tell.
    package enum ExitCause: UInt16, Sendable, CaseIterable {
        /// It exited by itself.
        case exited = 1
        /// A signal ended it.
        case signal = 2
        /// The guest's kernel killed it for lack of memory.
        case outOfMemory = 3
        /// It ended because the pod, or in a mutable pod the app, was stopped.
        case stopped = 4

        /// The word for it, in the files of a pod and between programs of the guest.
        package var word: String {
            switch self {
            case .exited: "exited"
            case .signal: "signal"
            case .outOfMemory: "out-of-memory"
            case .stopped: "stopped"
            }
        }

        package init?(word: String) {
            guard let cause = Self.allCases.first(where: { $0.word == word }) else { return nil }
            self = cause
        }
    }

    package enum Stream: UInt16, Sendable, CaseIterable {
        case output = 1
        case error = 2
        /// What an app's own terminal shows; that of a command is `output`.
        case terminal = 3
    }

    package var frame: Frame {
        var writer = FieldWriter()
        switch self {
        case .hello(let version, let role):
            writer.write(version)
            writer.write(role.rawValue)
            return Frame(type: 1, payload: writer.bytes)
        case .phase(let name, let microseconds):
            writer.write(name)
            writer.write(microseconds)
            return Frame(type: 2, payload: writer.bytes)
        case .failed(let message):
            writer.write(message)
            return Frame(type: 3, payload: writer.bytes)
        case .ready:
            return Frame(type: 4)
        case .entry(let entry):
            entry.write(to: &writer)
            return Frame(type: 5, payload: writer.bytes)
        case .appExit(let app, let run, let status, let cause):
            writer.write(app)
            writer.write(run)
            writer.write(status)
            writer.write(cause.rawValue)
            return Frame(type: 6, payload: writer.bytes)
        case .sessionOutput(let session, let stream, let bytes):
            writer.write(stream.rawValue)
            return Frame(type: 7, channel: session, payload: writer.bytes + bytes)
        case .sessionExit(let session, let status):
            writer.write(status)
            return Frame(type: 8, channel: session, payload: writer.bytes)
        case .sessionFailed(let session, let message):
            writer.write(message)
            return Frame(type: 9, channel: session, payload: writer.bytes)
        case .inputCredit(let session, let bytes):
            writer.write(bytes)
            return Frame(type: 10, channel: session, payload: writer.bytes)
        case .sessionStarted(let session):
            return Frame(type: 11, channel: session)
        case .attached(let session, let targets):
            writer.write(targets.rawValue)
            return Frame(type: 12, channel: session, payload: writer.bytes)
        case .outputGap(let session, let stream, let bytes):
            writer.write(stream.rawValue)
            writer.write(bytes)
            return Frame(type: 13, channel: session, payload: writer.bytes)
        case .stopping:
            return Frame(type: 17)
        case .pong(let number):
            writer.write(number)
            return Frame(type: 18, payload: writer.bytes)
        case .requestDone(let request):
            return Frame(type: 14, channel: request)
        case .requestFailed(let request, let message):
            writer.write(message)
            return Frame(type: 15, channel: request, payload: writer.bytes)
        case .appStarted(let app, let run):
            writer.write(app)
            writer.write(run)
            return Frame(type: 16, payload: writer.bytes)
        }
    }

    package init(_ frame: Frame) throws(ProtocolError) {
        var reader = FieldReader(frame.payload)
        switch frame.type {
        case 1:
            let version = try reader.readUInt16()
            guard let role = Role(rawValue: try reader.readUInt16()) else { throw .malformed("unknown role") }
            self = .hello(version: version, role: role)
        case 2: self = .phase(name: try reader.readString(), microseconds: try reader.readUInt64())
        case 3: self = .failed(try reader.readString())
        case 4: self = .ready
        case 5: self = .entry(try JournalEntry(from: &reader))
        case 6:
            let app = try reader.readString()
            let run = try reader.readUInt32()
            let status = try reader.readInt32()
            guard let cause = ExitCause(rawValue: try reader.readUInt16()) else { throw .malformed("unknown cause") }
            self = .appExit(app: app, run: run, status: status, cause: cause)
        case 7:
            guard let stream = Stream(rawValue: try reader.readUInt16()) else { throw .malformed("unknown stream") }
            self = .sessionOutput(session: frame.channel, stream: stream, Array(frame.payload.dropFirst(2)))
            return
        case 8: self = .sessionExit(session: frame.channel, status: try reader.readInt32())
        case 9: self = .sessionFailed(session: frame.channel, try reader.readString())
        case 10: self = .inputCredit(session: frame.channel, bytes: try reader.readUInt32())
        case 11: self = .sessionStarted(session: frame.channel)
        case 12: self = .attached(session: frame.channel, try AttachTargets(from: &reader))
        case 13:
            guard let stream = Stream(rawValue: try reader.readUInt16()) else { throw .malformed("unknown stream") }
            self = .outputGap(session: frame.channel, stream: stream, bytes: try reader.readUInt64())
        case 17: self = .stopping
        case 18: self = .pong(number: try reader.readUInt32())
        case 14: self = .requestDone(request: frame.channel)
        case 15: self = .requestFailed(request: frame.channel, try reader.readString())
        case 16: self = .appStarted(app: try reader.readString(), run: try reader.readUInt32())
        default: throw .unknownType(frame.type)
        }
        try reader.finish()
    }
}
