// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// The `enter` entrypoint: runs a command in an app's context through the pod's supervisor and its guest's agent.
package struct EnterClient {
    package struct Arguments: Equatable, Sendable {
        package var app: String
        /// The one that the pod's `pid` file tells; nil when none is given.
        package var process: Int32?
        package var command: [String]

        /// `--pid=N --appname=NAME -- COMMAND [ARGUMENT…]`
        package init(parsing arguments: [String]) throws {
            var app = ""
            var rest = arguments[...]
            while let argument = rest.popFirst(), argument != "--" {
                if argument.hasPrefix("--pid=") { process = Int32(argument.dropFirst(6)) }
                if argument.hasPrefix("--appname=") { app = String(argument.dropFirst(10)) }
            }
            guard !app.isEmpty, !rest.isEmpty else {
                throw RuntimeError(.invalidArgument, "usage: enter --pid=PID --appname=NAME -- COMMAND [ARGUMENT…]")
            }
            self.app = app
            command = Array(rest)
        }
    }

    private let socket: FileDescriptor
    private let terminal: Terminal?
    private let signals: SignalDescriptor
    private var decoder = FrameDecoder()
    private var inputCredit = Credit.session
    private var inputIsOpen = true
    /// Whether the command runs: until then signals are this program's own.
    private var hasStarted = false

    /// - Parameter socketPath: the supervisor's socket.
    package init(socketPath: FilePath) throws {
        do {
            socket = try UnixSocket.connect(socketPath)
        } catch {
            throw RuntimeError(
                .invalidState, "the pod's supervisor cannot be reached, has the pod ended?", cause: error)
        }
        // A terminal for the command needs one here, to type on and to look at.
        terminal = isatty(0) == 1 && isatty(1) == 1 ? Terminal(FileDescriptor(rawValue: 0)) : nil
        signals = try SignalDescriptor([SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT])
        signal(SIGPIPE, SIG_IGN)
    }

    /// - Returns: the command's exit status.
    package mutating func run(_ arguments: Arguments) throws -> Int32 {
        let size = terminal?.size ?? TerminalSize(rows: 24, columns: 80)
        let request = HostMessage.Session(
            target: .command(app: arguments.app, arguments: arguments.command), terminal: terminal != nil,
            rows: size.rows, columns: size.columns, terminalType: ProcessImage.variable("TERM") ?? "")
        send(.startSession(session: 0, request))
        // Keys that make signals still do, until there is a command to pass them to.
        terminal?.makeUnbuffered()
        defer { terminal?.restore() }
        while true {
            if let status = try turn() { return status }
        }
    }

    private mutating func turn() throws -> Int32? {
        var sources: [(FileDescriptor, Poll.Interest)] = [(socket, .read), (signals.descriptor, .read)]
        if hasStarted, inputIsOpen, inputCredit > 0 { sources.append((FileDescriptor(rawValue: 0), .read)) }
        for (index, _) in try Poll.wait(sources, timeout: nil) {
            switch index {
            case 0: if let status = try receive() { return status }
            case 1: if let status = try passSignals() { return status }
            default: passInput()
            }
        }
        return nil
    }

    /// When the supervisor has closed the connection, why is still to be read.
    private func send(_ message: HostMessage) { try? FileSystem.writeAll(message.frame.encoded, to: socket) }

    private mutating func receive() throws -> Int32? {
        guard case .bytes(let bytes) = socket.readAvailable() else {
            throw RuntimeError(.invalidState, "the pod ended")
        }
        decoder.append(bytes)
        while let frame = try decoder.next() {
            switch try GuestMessage(frame) {
            case .sessionStarted:
                hasStarted = true
                terminal?.makeRaw()
                // The window may have changed meanwhile.
                sendSize()
            case .sessionOutput(_, let stream, let bytes):
                let target = FileDescriptor(rawValue: stream == .error ? 2 : 1)
                // A reader that has gone is the command's matter: it gets no more credit and the session ends here.
                guard (try? FileSystem.writeAll(bytes, to: target)) != nil else { return 128 + SIGPIPE }
                send(.outputCredit(channel: 0, bytes: UInt32(bytes.count)))
            case .sessionExit(_, let status): return status & 0xff
            case .sessionFailed(_, let reason): throw RuntimeError(.invalidState, reason)
            case .inputCredit(_, let bytes): inputCredit = min(Credit.session, inputCredit + Int(bytes))
            default: throw ProtocolError.unexpected("a message that is not a session's")
            }
        }
        return nil
    }

    private mutating func passInput() {
        switch FileDescriptor(rawValue: 0).readAvailable(most: min(inputCredit, 16 << 10)) {
        case .nothing: return
        case .end:
            inputIsOpen = false
            send(.sessionEndOfInput(session: 0))
        case .bytes(let bytes):
            inputCredit -= bytes.count
            send(.sessionInput(session: 0, bytes))
        }
    }

    /// - Returns: the status when a signal ends this program.
    private func passSignals() throws -> Int32? {
        while let signal = try signals.next() {
            switch (signal, hasStarted) {
            case (SIGWINCH, true): sendSize()
            case (SIGWINCH, false): continue
            case (_, true): send(.sessionSignal(session: 0, signal: signal))
            case (_, false): return 128 + signal
            }
        }
        return nil
    }

    private func sendSize() {
        guard let size = terminal?.size else { return }
        send(.sessionResize(session: 0, rows: size.rows, columns: size.columns))
    }
}
