// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// Standard input, output and error of whoever ran the pod.
///
/// Their modes belong to the caller: descriptors stay blocking, and terminal settings are put back at the end.
struct CallerTerminal {
    /// Credit that goes back to the guest once the bytes before it have been written.
    struct PendingCredit {
        var channel: UInt32
        var bytes: Int
        /// Position in the stream of bytes ever queued, after which it is due.
        var position = 0
    }

    let input = FileDescriptor(rawValue: 0)
    let output = FileDescriptor(rawValue: 1)
    private let isInteractive: Bool
    private let terminal: Terminal?
    private var escape = EscapeSequence()
    private var inputIsOpen = true
    private(set) var outputIsOpen = true
    private(set) var outbox = Outbox()
    private var queued = 0
    private var written = 0
    private var credits: [PendingCredit] = []
    /// Bytes of input that the app's terminal may still be sent.
    var inputCredit = Credit.session

    init(isInteractive: Bool) {
        self.isInteractive = isInteractive
        // In the background the terminal belongs to somebody else.
        let isForeground = isatty(0) == 1 && tcgetpgrp(0) == getpgrp()
        terminal = isForeground ? Terminal(FileDescriptor(rawValue: 0)) : nil
        if isInteractive { terminal?.makeRaw() } else { terminal?.makeUnbuffered() }
    }

    func restore() { terminal?.restore() }

    var size: TerminalSize { terminal?.size ?? TerminalSize(rows: 24, columns: 80) }

    /// What to wait for: without a terminal or an interactive app nobody listens to standard input.
    func inputToRead(isConnected: Bool) -> FileDescriptor? {
        guard inputIsOpen else { return nil }
        if isInteractive { return isConnected && inputCredit > 0 ? input : nil }
        return terminal == nil ? nil : input
    }

    mutating func readInput() -> (bytes: [UInt8], ended: Bool, escaped: Bool)? {
        let most = isInteractive ? min(inputCredit, 4096) : 4096
        switch input.readAvailable(most: most) {
        case .nothing: return nil
        case .end:
            inputIsOpen = false
            return ([], true, false)
        case .bytes(let bytes):
            guard terminal != nil else {
                inputCredit -= bytes.count
                return (bytes, false, false)
            }
            let (passed, escaped) = escape.filter(bytes)
            if isInteractive { inputCredit -= passed.count }
            return (passed, false, escaped)
        }
    }

    mutating func append(_ bytes: [UInt8], credit: PendingCredit) {
        queued += bytes.count
        outbox.append(bytes)
        credits.append(PendingCredit(channel: credit.channel, bytes: credit.bytes, position: queued))
    }

    /// Writes to standard output; a reader that has gone is written to no more, and the app goes on.
    ///
    /// - Returns: the credit that became due.
    mutating func flush(most: Int) -> [PendingCredit] {
        if outputIsOpen {
            switch outbox.flush(to: output, most: most) {
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
        return Array(due)
    }

    /// One line on standard error.
    func notice(_ text: String) {
        let end = terminal != nil && isInteractive ? "\r\n" : "\n"
        try? FileSystem.writeAll(Array((text + end).utf8), to: FileDescriptor(rawValue: 2))
    }

    /// The guest's console, for `--debug`; without what a terminal would act on.
    func debug(_ bytes: [UInt8]) {
        let plain = bytes.filter { $0 == 10 || $0 == 9 || $0 >= 32 && $0 < 127 }
        try? FileSystem.writeAll(plain, to: FileDescriptor(rawValue: 2))
    }
}
