// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// The `attach` entrypoint: shares an app's streams with the caller's own, through the pod's supervisor.
package struct AttachClient {
    private let socket: FileDescriptor
    /// The caller's terminal, to type on, where this program is in its foreground.
    private let keyboard: Terminal?
    /// What tells the size of the caller's window.
    private let window: Terminal?
    private let signals: SignalDescriptor
    private var decoder = FrameDecoder()
    private var escape = EscapeSequence(.controlBracket)
    private var inputCredit = CreditAccount(limit: Credit.session)
    private var inputIsOpen = true
    /// What has been joined; nil until the supervisor has answered.
    private var joined: AttachTargets?
    private var endsInput = false
    private var endIsTold = false
    /// The caller's output and errors, whose readers are not waited for: signals end this program all the same.
    private var sinks = [Sink(.standardOutput), Sink(.standardError)]
    private let errors = ErrorStream()
    /// How it ends, once what has come is written.
    private var end: Result<Int32, any Error>?

    private struct Sink {
        let output: CallerOutput
        var outbox = Outbox()
        init(_ descriptor: FileDescriptor) { output = CallerOutput(descriptor) }
    }

    private enum Source { case supervisor, signals, input, sink(Int) }

    /// - Parameter socketPath: the supervisor's socket.
    package init(socketPath: FilePath) throws {
        do {
            socket = try UnixSocket.connect(socketPath)
        } catch {
            throw RuntimeError(
                .invalidState, "the pod's supervisor cannot be reached, has the pod ended?", cause: error)
        }
        let input = Terminal(.standardInput)
        keyboard = tcgetpgrp(0) == getpgrp() ? input : nil
        window = input ?? Terminal(.standardOutput)
        signals = try SignalDescriptor([SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT])
        signal(SIGPIPE, SIG_IGN)
    }

    /// - Returns: the exit status: 0 when the app has ended or the caller has left it.
    package mutating func run(_ arguments: AttachArguments) throws -> Int32 {
        guard case .join(let targets) = arguments.action else { return ExitStatus.success }
        endsInput = arguments.endsInput
        let size = window?.size
        send(
            .attach(
                session: 0,
                AttachRequest(
                    app: arguments.app, targets: targets, rows: size?.rows ?? 0, columns: size?.columns ?? 0)))
        defer { keyboard?.restore() }
        while true {
            if let status = try turn() { return status }
            if let end, sinks.allSatisfy(\.outbox.isEmpty) { return try end.get() }
        }
    }

    private var takesInput: Bool { joined?.hasInput == true }

    private mutating func turn() throws -> Int32? {
        var sources: [(Source, FileDescriptor, Poll.Interest)] = [(.signals, signals.descriptor, .read)]
        if end == nil {
            sources.append((.supervisor, socket, .read))
            if takesInput, inputIsOpen, inputCredit.rest > 0 { sources.append((.input, .standardInput, .read)) }
        }
        for index in sinks.indices where !sinks[index].outbox.isEmpty {
            sources.append((.sink(index), sinks[index].output.descriptor, .write))
        }
        for (index, _) in try Poll.wait(sources.map { ($0.1, $0.2) }, timeout: nil) {
            let status: Int32? =
                switch sources[index].0 {
                case .supervisor: try receive()
                case .signals: try passSignals()
                case .input: passInput()
                case .sink(let number): flush(number)
                }
            if let status { return status }
        }
        return finishInput()
    }

    /// - Returns: the status when nobody reads any more.
    private mutating func flush(_ number: Int) -> Int32? {
        while !sinks[number].outbox.isEmpty {
            switch sinks[number].output.flush(&sinks[number].outbox) {
            case .written(0): return nil
            case .written(let count): send(.outputCredit(channel: 0, bytes: UInt32(count)))
            case .closed: return 128 + SIGPIPE
            }
        }
        return nil
    }

    /// When the supervisor has closed the connection, why is still to be read.
    private func send(_ message: HostMessage) { try? FileSystem.writeAll(message.frame.encoded, to: socket) }

    private mutating func receive() throws -> Int32? {
        guard case .bytes(let bytes) = socket.readAvailable() else {
            end = .failure(RuntimeError(.invalidState, "the pod ended"))
            return nil
        }
        decoder.append(bytes)
        while let frame = try decoder.next() {
            switch try GuestMessage(frame) {
            case .attached(_, let targets):
                joined = targets
                if targets.contains(.terminalInput), let keyboard {
                    keyboard.makeRaw()
                    errors.lineEnd = "\r\n"
                }
                // The window may have changed meanwhile.
                sendSize()
            case .sessionOutput(_, let stream, let bytes):
                let number = stream == .error ? 1 : 0
                sinks[number].outbox.append(bytes)
                if let status = flush(number) { return status }
            case .outputGap(_, let stream, let bytes): tellGap(stream, bytes)
            case .sessionExit: end = .success(ExitStatus.success)
            case .sessionFailed(_, let reason): end = .failure(RuntimeError(.invalidState, reason))
            case .inputCredit(_, let bytes): try inputCredit.giveBack(Int(bytes))
            default: throw ProtocolError.unexpected("a message that is not for an attached client")
            }
        }
        return nil
    }

    private func tellGap(_ stream: GuestMessage.Stream, _ bytes: UInt64) {
        let name =
            switch stream {
            case .output: "stdout"
            case .error: "stderr"
            case .terminal: "tty"
            }
        errors.notice("attach: \(bytes) bytes of \(name) were left out")
    }

    /// - Returns: the status when the caller has asked to be let go.
    private mutating func passInput() -> Int32? {
        switch FileDescriptor.standardInput.readAvailable(most: min(inputCredit.rest, 16 << 10)) {
        case .nothing: break
        case .end: inputIsOpen = false
        case .bytes(let bytes):
            // Within the credit.
            try? inputCredit.take(bytes.count)
            send(.sessionInput(session: 0, bytes))
            if keyboard != nil, escape.filter(bytes, at: Clock.milliseconds).escaped { return ExitStatus.success }
        }
        return nil
    }

    /// What has been typed is to reach the app before its end is told, and before this program ends.
    private mutating func finishInput() -> Int32? {
        guard let joined, takesInput, !inputIsOpen, inputCredit.unreturned == 0, !endIsTold else { return nil }
        endIsTold = true
        if endsInput { send(.sessionEndOfInput(session: 0)) }
        return joined.hasOutput ? nil : ExitStatus.success
    }

    /// - Returns: the status when a signal ends this program, which the app does not notice.
    private func passSignals() throws -> Int32? {
        while let signal = try signals.next() {
            guard signal == SIGWINCH else { return 128 + signal }
            if joined != nil { sendSize() }
        }
        return nil
    }

    private func sendSize() {
        guard let size = window?.size, joined?.hasTerminal == true else { return }
        send(.sessionResize(session: 0, rows: size.rows, columns: size.columns))
    }
}
