// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import CLinuxShims
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// A program run for the host in an app's context, or an app's own streams: descriptors, and who may send how much.
final class AgentSession {
    /// One direction from the program to the host.
    struct Outlet {
        let stream: GuestMessage.Stream
        var descriptor: FileDescriptor?
        /// Bytes passed on since the program's end.
        var drained = 0
    }

    let number: UInt32
    /// Nil for an app's own streams, whose process belongs to systemd.
    let child: ChildProcess?
    /// The app whose own streams these are.
    private(set) var app: String?
    /// The terminal's other end, which keeps it whole until the app ends, whoever has closed it.
    private var terminalEnd: FileDescriptor?
    let terminal: FileDescriptor?
    var outlets: [Outlet]
    /// Where input goes; nil once it has been closed.
    var input: FileDescriptor?
    /// Input that the program has not taken yet; at most the session's credit.
    var pendingInput: [UInt8] = []
    var endOfInput = false
    /// Bytes that may still be sent to the host.
    var outputCredit = Credit.session
    var exit: ProcessExit?

    init(terminal: FileDescriptor, number: UInt32, child: ChildProcess) {
        self.number = number
        self.child = child
        self.terminal = terminal
        outlets = [Outlet(stream: .output, descriptor: terminal)]
        input = terminal
    }

    init(child: ChildProcess, number: UInt32, input: FileDescriptor, output: FileDescriptor, error: FileDescriptor) {
        self.number = number
        self.child = child
        terminal = nil
        self.input = input
        outlets = [Outlet(stream: .output, descriptor: output), Outlet(stream: .error, descriptor: error)]
    }

    /// The streams of an app; see `StreamEnds.make(for:number:size:)`.
    init(app: String, number: UInt32, outlets: [Outlet], input: FileDescriptor?, terminal: StreamEnds.Terminal?) {
        self.app = app
        self.number = number
        child = nil
        self.outlets = outlets
        self.input = input
        self.terminal = terminal?.master
        terminalEnd = terminal?.slave
    }

    /// Starts `rkt-guest enter` for the command.
    static func start(_ request: HostMessage.Session, app: String, command: [String], number: UInt32) throws
        -> AgentSession
    {
        let arguments = ["rkt-guest", "enter", app, "--"] + command
        var environment = ["PATH=\(ExecutableSearch.defaultPath)"]
        if !request.terminalType.isEmpty { environment.append("TERM=\(request.terminalType)") }
        var spawn = SpawnRequest(
            path: GuestLayout.program, arguments: arguments, environment: environment, newSession: true)
        if request.terminal {
            let (master, slave) = try openTerminal(rows: request.rows, columns: request.columns)
            defer { try? slave.close() }
            spawn.descriptors = [slave.rawValue, slave.rawValue, slave.rawValue]
            do {
                return AgentSession(terminal: master, number: number, child: try ChildProcess.spawn(spawn))
            } catch {
                try? master.close()
                throw error
            }
        }
        let input = try pipe(), output = try pipe(), error = try pipe()
        defer { for end in [input.read, output.write, error.write] { try? end.close() } }
        spawn.descriptors = [input.read.rawValue, output.write.rawValue, error.write.rawValue]
        let ends = [input.write, output.read, error.read]
        do {
            for end in ends { try UnixSocket.setNonBlocking(end) }
            return AgentSession(
                child: try ChildProcess.spawn(spawn), number: number, input: input.write, output: output.read,
                error: error.read)
        } catch {
            for end in ends { try? end.close() }
            throw error
        }
    }

    static func openTerminal(rows: UInt16, columns: UInt16) throws -> (master: FileDescriptor, slave: FileDescriptor) {
        var path = [CChar](repeating: 0, count: 64)
        let master = FileDescriptor(rawValue: try check(rkt_open_terminal(&path, CInt(path.count)), "openpt"))
        let name = String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard slave >= 0 else {
            let reason = lastErrno
            try? master.close()
            throw RuntimeError.systemCall("open", FilePath(name), reason)
        }
        Terminal.setSize(TerminalSize(rows: rows, columns: columns), of: master)
        try UnixSocket.setNonBlocking(master)
        return (master, FileDescriptor(rawValue: slave))
    }

    static func pipe() throws -> (read: FileDescriptor, write: FileDescriptor) {
        let ends = try FileDescriptor.pipe()
        for end in [ends.readEnd, ends.writeEnd] { try check(rkt_set_close_on_exec(end.rawValue, 1), "fcntl") }
        return (ends.readEnd, ends.writeEnd)
    }

    /// Reads what the program wrote, within the credit; nil at the end of the stream.
    func read(_ outlet: Int) -> [UInt8]? {
        guard let descriptor = outlets[outlet].descriptor else { return nil }
        var buffer = [UInt8](repeating: 0, count: min(16 << 10, outputCredit))
        // SAFETY: the buffer outlives the call and its size is passed.
        let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor.rawValue, $0.baseAddress, $0.count) }
        if count < 0, lastErrno == .wouldBlock || lastErrno == .interrupted { return [] }
        // A terminal whose last program is gone reads as EIO.
        guard count > 0 else { return nil }
        outputCredit -= count
        return Array(buffer[..<count])
    }

    func closeOutlet(_ outlet: Int) {
        // An app's own terminal may be opened again by another of its processes: it ends with the app.
        guard let descriptor = outlets[outlet].descriptor else { return }
        outlets[outlet].descriptor = nil
        if descriptor.rawValue != terminal?.rawValue { try? descriptor.close() }
    }

    /// Gives the program what waits for it.
    ///
    /// - Returns: how many bytes it took.
    func feed() -> Int {
        guard let descriptor = input else {
            defer { pendingInput = [] }
            return pendingInput.count
        }
        var taken = 0
        if !pendingInput.isEmpty {
            // SAFETY: the array outlives the call and its size is passed.
            let count = pendingInput.withUnsafeBytes { Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count) }
            if count < 0, lastErrno != .wouldBlock, lastErrno != .interrupted {
                taken = pendingInput.count
                pendingInput = []
                closeInput()
                return taken
            }
            taken = max(0, count)
            pendingInput.removeFirst(taken)
        }
        if pendingInput.isEmpty, endOfInput { endInput() }
        return taken
    }

    private func endInput() {
        guard let terminal, input?.rawValue == terminal.rawValue else { return closeInput() }
        // A terminal's reader sees the end of input as Ctrl-D at the start of a line, or as what the program has set.
        var settings = termios()
        var end: UInt8 = tcgetattr(terminal.rawValue, &settings) == 0 ? settings.c_cc.4 : 4
        _ = Glibc.write(terminal.rawValue, &end, 1)
        // That of an app is the next client's.
        if app == nil { input = nil } else { endOfInput = false }
    }

    private func closeInput() {
        guard let descriptor = input else { return }
        input = nil
        if descriptor.rawValue != terminal?.rawValue { try? descriptor.close() }
    }

    func signal(_ number: Int32) {
        guard let child, exit == nil, number > 0, number < 65 else { return }
        kill(-child.pid, number)
    }

    /// Hangs up on the program and lets go of everything.
    ///
    /// - Returns: the program's process, where its end is still to be waited for: a file system may hold that up.
    func close() -> ChildProcess? {
        var left: ChildProcess?
        if let child {
            if exit == nil {
                kill(-child.pid, SIGHUP)
                kill(-child.pid, SIGKILL)
                left = child
            } else {
                child.close()
            }
        }
        for index in outlets.indices { closeOutlet(index) }
        if let input, input.rawValue != terminal?.rawValue { try? input.close() }
        input = nil
        try? terminal?.close()
        try? terminalEnd?.close()
        return left
    }
}
