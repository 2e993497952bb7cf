// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Standard input and output of whoever ran the pod.
///
/// Their modes belong to the caller: descriptors stay blocking, and terminal settings are put back at the end.
struct CallerTerminal {
    let input: FileDescriptor
    private let sink: CallerOutput
    let isInteractive: Bool
    private let terminal: Terminal?
    private var escape: EscapeSequence
    private var inputIsOpen = true
    private(set) var outputIsOpen = true
    private(set) var outbox = Outbox()
    private var queued = 0
    private var written = 0
    /// Credit that goes back to the guest, each with the position in all that was ever queued after which it is due.
    private var credits: [(bytes: Int, position: Int)] = []
    /// Input on its way to the app's terminal.
    private(set) var inputCredit = CreditAccount(limit: Credit.session)

    init(
        isInteractive: Bool, input: FileDescriptor = FileDescriptor(rawValue: 0),
        output: FileDescriptor = FileDescriptor(rawValue: 1), escape: EscapeSequence.Keys = .controlA
    ) {
        self.isInteractive = isInteractive
        self.escape = EscapeSequence(escape)
        self.input = input
        sink = CallerOutput(output)
        // In the background the terminal belongs to somebody else.
        let isForeground = isatty(input.rawValue) == 1 && tcgetpgrp(input.rawValue) == getpgrp()
        terminal = isForeground ? Terminal(input) : nil
        if isInteractive { terminal?.makeRaw() } else { terminal?.makeUnbuffered() }
    }

    func restore() { terminal?.restore() }

    /// What to wait for before `flush()`.
    var output: FileDescriptor { sink.descriptor }
    /// Whether a line needs its carriage return.
    var isRaw: Bool { terminal != nil && isInteractive }

    var size: TerminalSize { terminal?.size ?? TerminalSize(rows: 24, columns: 80) }

    /// What to wait for: without a terminal or an interactive app nobody listens to standard input.
    func inputToRead(isConnected: Bool) -> FileDescriptor? {
        guard inputIsOpen else { return nil }
        if isInteractive { return isConnected && inputCredit.rest > 0 ? input : nil }
        return terminal == nil ? nil : input
    }

    mutating func readInput() -> (bytes: [UInt8], ended: Bool, escaped: Bool)? {
        let most = isInteractive ? min(inputCredit.rest, 4096) : 4096
        switch input.readAvailable(most: most) {
        case .nothing: return nil
        case .end:
            inputIsOpen = false
            return ([], true, false)
        case .bytes(let bytes):
            guard terminal != nil else {
                try? inputCredit.take(bytes.count)
                return (bytes, false, false)
            }
            let (passed, escaped) = escape.filter(bytes, at: Clock.milliseconds)
            if isInteractive, !passed.isEmpty { try? inputCredit.take(passed.count) }
            return (passed, false, escaped)
        }
    }

    /// The app's terminal has taken input.
    mutating func giveBackInput(_ bytes: UInt32) throws(ProtocolError) { try inputCredit.giveBack(Int(bytes)) }

    /// - Parameter credit: what goes back to the guest once the bytes have been written.
    mutating func append(_ bytes: [UInt8], credit: Int = 0) {
        queued += bytes.count
        outbox.append(bytes)
        if credit > 0 { credits.append((credit, queued)) }
    }

    /// Writes to standard output; a reader that has gone is written to no more, and the app goes on.
    ///
    /// - Returns: the credit that became due.
    mutating func flush() -> Int {
        if outputIsOpen {
            switch sink.flush(&outbox) {
            case .written(let count): written += count
            case .closed: outputIsOpen = false
            }
        }
        if !outputIsOpen {
            outbox.clear()
            written = queued
        }
        let due = credits.prefix { $0.position <= written }
        credits.removeFirst(due.count)
        return due.reduce(0) { $0 + $1.bytes }
    }
}
