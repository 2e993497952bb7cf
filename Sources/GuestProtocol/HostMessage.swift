// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What the host says to the guest, and a client such as `rkt enter` to the supervisor.
package enum HostMessage: Equatable, Sendable {
    /// The answer to the shim's HELLO.
    case pod(PodConfiguration)
    /// Shut the pod down in order.
    case stop
    /// The status of an app is on the host's disk.
    case exitRecorded(app: String, run: UInt32 = 0)
    case startSession(session: UInt32, Session)
    case sessionInput(session: UInt32, [UInt8])
    /// No more input follows.
    case sessionEndOfInput(session: UInt32)
    case sessionResize(session: UInt32, rows: UInt16, columns: UInt16)
    case sessionSignal(session: UInt32, signal: Int32)
    /// Nobody listens any more: the program is hung up on.
    case closeSession(session: UInt32)
    /// The host has taken so many bytes of a channel's output; channel 0 is that of the journal.
    case outputCredit(channel: UInt32, bytes: UInt32)
    /// A client of the supervisor wants to share the streams of an app.
    case attach(session: UInt32, AttachRequest)
    /// Answered by a pong with the same number.
    case ping(number: UInt32)
    /// The next bytes of an encoded `LiveApp`, for a request of that number.
    case appPart(request: UInt32, [UInt8])
    /// The parts are complete: the app is to be added to a mutable pod.
    case addApp(request: UInt32)
    /// The run is the supervisor's count of starts; a client sends 0.
    case startApp(request: UInt32, app: String, run: UInt32)
    case stopApp(request: UInt32, app: String, run: UInt32)
    case removeApp(request: UInt32, app: String)

    /// A program run in the context of an app, or a hold on the app's own streams.
    package struct Session: Equatable, Sendable {
        package enum Target: Equatable, Sendable {
            case command(app: String, arguments: [String])
            /// The streams of an app that are `StreamMode.stream` or `.terminal`, from its start to its end.
            case appStreams(app: String)

            fileprivate enum Kind: UInt16 { case command = 1, appStreams = 2 }
        }
        package var target: Target
        /// Whether the program gets a terminal instead of three pipes.
        package var terminal: Bool
        package var rows: UInt16
        package var columns: UInt16
        /// Value of TERM, empty for none.
        package var terminalType: String

        package init(
            target: Target, terminal: Bool = false, rows: UInt16 = 24, columns: UInt16 = 80, terminalType: String = ""
        ) {
            self.target = target
            self.terminal = terminal
            self.rows = rows
            self.columns = columns
            self.terminalType = terminalType
        }
    }

    package var frame: Frame {
        var writer = FieldWriter()
        switch self {
        case .pod(let configuration): return Frame(type: 101, payload: configuration.encoded)
        case .stop: return Frame(type: 102)
        case .exitRecorded(let app, let run):
            writer.write(app)
            writer.write(run)
            return Frame(type: 103, payload: writer.bytes)
        case .startSession(let session, let request):
            switch request.target {
            case .command(let app, let arguments):
                writer.write(Session.Target.Kind.command.rawValue)
                writer.write(app)
                writer.write(list: arguments) { $0.write($1) }
            case .appStreams(let app):
                writer.write(Session.Target.Kind.appStreams.rawValue)
                writer.write(app)
            }
            writer.write(request.terminal)
            writer.write(request.rows)
            writer.write(request.columns)
            writer.write(request.terminalType)
            return Frame(type: 104, channel: session, payload: writer.bytes)
        case .sessionInput(let session, let bytes): return Frame(type: 105, channel: session, payload: bytes)
        case .sessionEndOfInput(let session): return Frame(type: 106, channel: session)
        case .sessionResize(let session, let rows, let columns):
            writer.write(rows)
            writer.write(columns)
            return Frame(type: 107, channel: session, payload: writer.bytes)
        case .sessionSignal(let session, let signal):
            writer.write(signal)
            return Frame(type: 108, channel: session, payload: writer.bytes)
        case .closeSession(let session): return Frame(type: 109, channel: session)
        case .outputCredit(let channel, let bytes):
            writer.write(bytes)
            return Frame(type: 110, channel: channel, payload: writer.bytes)
        case .attach(let session, let request):
            request.write(to: &writer)
            return Frame(type: 111, channel: session, payload: writer.bytes)
        case .ping(let number):
            writer.write(number)
            return Frame(type: 112, payload: writer.bytes)
        case .appPart(let request, let bytes): return Frame(type: 120, channel: request, payload: bytes)
        case .addApp(let request): return Frame(type: 121, channel: request)
        case .startApp(let request, let app, let run):
            writer.write(app)
            writer.write(run)
            return Frame(type: 122, channel: request, payload: writer.bytes)
        case .stopApp(let request, let app, let run):
            writer.write(app)
            writer.write(run)
            return Frame(type: 123, channel: request, payload: writer.bytes)
        case .removeApp(let request, let app):
            writer.write(app)
            return Frame(type: 124, channel: request, payload: writer.bytes)
        }
    }

    package init(_ frame: Frame) throws(ProtocolError) {
        var reader = FieldReader(frame.payload)
        switch frame.type {
        case 101:
            self = .pod(try PodConfiguration(decoding: frame.payload))
            return
        case 102: self = .stop
        case 103: self = .exitRecorded(app: try reader.readString(), run: try reader.readUInt32())
        case 104:
            let target: Session.Target
            switch Session.Target.Kind(rawValue: try reader.readUInt16()) {
            case .command:
                let app = try reader.readString()
                let arguments = try reader.readList { reader throws(ProtocolError) in try reader.readString() }
                target = .command(app: app, arguments: arguments)
            case .appStreams: target = .appStreams(app: try reader.readString())
            case nil: throw .malformed("unknown target of a session")
            }
            self = .startSession(
                session: frame.channel,
                Session(
                    target: target, terminal: try reader.readBool(), rows: try reader.readUInt16(),
                    columns: try reader.readUInt16(), terminalType: try reader.readString()))
        case 105:
            self = .sessionInput(session: frame.channel, frame.payload)
            return
        case 106: self = .sessionEndOfInput(session: frame.channel)
        case 107:
            self = .sessionResize(
                session: frame.channel, rows: try reader.readUInt16(), columns: try reader.readUInt16())
        case 108: self = .sessionSignal(session: frame.channel, signal: try reader.readInt32())
        case 109: self = .closeSession(session: frame.channel)
        case 110: self = .outputCredit(channel: frame.channel, bytes: try reader.readUInt32())
        case 111: self = .attach(session: frame.channel, try AttachRequest(from: &reader))
        case 112: self = .ping(number: try reader.readUInt32())
        case 120:
            self = .appPart(request: frame.channel, frame.payload)
            return
        case 121: self = .addApp(request: frame.channel)
        case 122:
            self = .startApp(request: frame.channel, app: try reader.readString(), run: try reader.readUInt32())
        case 123: self = .stopApp(request: frame.channel, app: try reader.readString(), run: try reader.readUInt32())
        case 124: self = .removeApp(request: frame.channel, app: try reader.readString())
        default: throw .unknownType(frame.type)
        }
        try reader.finish()
    }
}

/// How many bytes one side may have on its way to the other before the other has said that it took some.
package enum Credit {
    /// Per session and direction.
    package static let session = 64 << 10
    /// Entries of the journal, counted as the bytes of their frames.
    package static let entries = 256 << 10
}
