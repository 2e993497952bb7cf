// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import GuestProtocol
import LinuxPlatform
import SystemPackage

/// The app's ends of the streams that the agent has made for it.
///
/// Over the agent's socket they are one byte each with a descriptor (unix(7), SCM_RIGHTS), and a newline at the end.
struct StreamEnds {
    struct Terminal {
        let master: FileDescriptor
        let slave: FileDescriptor
    }

    private enum Kind: UInt8, CaseIterable {
        case input = 0x69  // i
        case output = 0x6F  // o
        case error = 0x65  // e
        case terminal = 0x74  // t
    }

    private static let end = UInt8(ascii: "\n")
    /// The group of terminals, as devpts(5) of systemd has it.
    private static let terminalGroup: gid_t = 5

    private var descriptors: [Kind: FileDescriptor] = [:]

    /// Makes pipes and the terminal for the streams that are shared.
    ///
    /// - Returns: the agent's side of them, and the app's.
    static func make(
        for app: PodConfiguration.App, number: UInt32, size: TerminalSize
    ) throws -> (AgentSession, StreamEnds) {
        var ends = StreamEnds()
        var outlets: [AgentSession.Outlet] = []
        var input: FileDescriptor?
        var terminal: Terminal?
        do {
            for (mode, kind, stream) in [
                (app.output, Kind.output, GuestMessage.Stream.output), (app.error, .error, .error),
            ] where mode == .stream {
                let pipe = try AgentSession.pipe()
                // Whoever the app runs as may open it by its name, as in /dev/stdout.
                _ = fchown(pipe.write.rawValue, app.uid, app.gid)
                ends.descriptors[kind] = pipe.write
                outlets.append(AgentSession.Outlet(stream: stream, descriptor: pipe.read))
                try UnixSocket.setNonBlocking(pipe.read)
            }
            if app.input == .stream {
                let pipe = try AgentSession.pipe()
                _ = fchown(pipe.read.rawValue, app.uid, app.gid)
                ends.descriptors[.input] = pipe.read
                input = pipe.write
                try UnixSocket.setNonBlocking(pipe.write)
            }
            if [app.input, app.output, app.error].contains(.terminal) {
                let pair = try AgentSession.openTerminal(rows: size.rows, columns: size.columns)
                terminal = Terminal(master: pair.master, slave: pair.slave)
                _ = fchown(pair.slave.rawValue, app.uid, terminalGroup)
                _ = fchmod(pair.slave.rawValue, 0o620)
                ends.descriptors[.terminal] = try pair.slave.duplicate()
                try check(fcntl(ends.descriptors[.terminal]?.rawValue ?? -1, F_SETFD, FD_CLOEXEC), "fcntl")
                outlets.append(AgentSession.Outlet(stream: .terminal, descriptor: pair.master))
                if app.input == .terminal { input = pair.master }
            }
        } catch {
            let master = terminal?.master.rawValue
            ends.close()
            for outlet in outlets where outlet.descriptor?.rawValue != master { try? outlet.descriptor?.close() }
            if input?.rawValue != master { try? input?.close() }
            try? terminal?.master.close()
            try? terminal?.slave.close()
            throw error
        }
        let session = AgentSession(
            app: app.name, number: number, outlets: outlets, input: input, terminal: terminal)
        return (session, ends)
    }

    func close() { for descriptor in descriptors.values { try? descriptor.close() } }

    // MARK: - From the agent to an app's launcher

    func send(to socket: FileDescriptor) throws {
        for (kind, descriptor) in descriptors { try UnixSocket.send([kind.rawValue], with: descriptor, to: socket) }
        try UnixSocket.send([Self.end], to: socket)
    }

    /// Waits for the streams of an app.
    static func request(of app: PodConfiguration.App) throws -> StreamEnds {
        let socket = try UnixSocket.connect(GuestLayout.agentSocket)
        defer { try? socket.close() }
        try FileSystem.writeAll(Array(AgentRequest.streams(app: app.name).line.utf8), to: socket)
        var ends = StreamEnds()
        while true {
            var byte: [UInt8] = [0]
            let (count, descriptor) = try UnixSocket.receive(into: &byte, from: socket)
            guard count == 1 else { throw RuntimeError(.internal, "the agent has none for app \(app.name)") }
            if byte[0] == end { return ends }
            guard let kind = Kind(rawValue: byte[0]), let descriptor, ends.descriptors[kind] == nil else {
                throw RuntimeError(.internal, "the agent's answer makes no sense")
            }
            ends.descriptors[kind] = descriptor
        }
    }

    /// Makes them this process's standard streams.
    ///
    /// - Parameter modes: of standard input, output and error.
    func connect(_ modes: [StreamMode]) throws {
        if let terminal = descriptors[.terminal] {
            _ = setsid()
            guard ioctl(terminal.rawValue, UInt(TIOCSCTTY), 0) == 0 else {
                throw RuntimeError.systemCall("ioctl TIOCSCTTY", nil, lastErrno)
            }
        }
        let pipes: [Kind] = [.input, .output, .error]
        for (number, mode) in modes.enumerated() where mode.isShared {
            guard let end = descriptors[mode == .terminal ? .terminal : pipes[number]] else {
                throw RuntimeError(.internal, "the agent has left out stream \(number)")
            }
            dup2(end.rawValue, CInt(number))
        }
        close()
    }
}
