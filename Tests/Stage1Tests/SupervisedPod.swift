// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import GuestProtocol
import LinuxPlatform
import PodStore
import Stage1
import SystemPackage
import TestSupport
import Testing

/// A supervisor at work on a machine whose guest is the test.
final class SupervisedPod: @unchecked Sendable {
    struct End: Sendable {
        let status: Int32
        let outcome: PodOutcome
    }

    static let machineID = "0123456789abcdef0123456789abcdef"

    let scratch: ScratchDirectory
    let layout: PodLayout
    let machine: FakeMachine
    /// The readers' ends of the supervisor's standard output and error.
    let output: FileDescriptor
    let errors: FileDescriptor
    let thread: SignalledThread<End>
    private var decoder = FrameDecoder(limit: Frame.configurationLimit)
    private var shown = ""

    /// - Parameter logPath: the annotation of each app that names its log file; nil for a pod without such files.
    init(
        apps: [String] = ["web"], isMutable: Bool = false, early: [Int32] = [], portEscape: UInt8? = nil,
        modes: [StreamMode] = [.nothing, .journal, .journal],
        variables: UnitNotifier.Variables = .init(), logPath: String? = nil,
        change: @Sendable (inout Supervisor.Options) -> Void = { _ in }
    ) throws {
        let scratch = try ScratchDirectory()
        let layout = PodLayout(directory: scratch.path)
        let machine = try FakeMachine(portEscape: portEscape)
        for directory in [layout.statuses, layout.exitCauses, layout.environments, layout.appInfo("web")] {
            try FileSystem.makeDirectories(directory)
        }
        let listener = try UnixSocket.listen(layout.agentSocket)
        try UnixSocket.setNonBlocking(listener)
        let output = try Self.pipe(), errors = try Self.pipe()
        var options = Supervisor.Options()
        options.clientUser = geteuid()
        options.input = try FileDescriptor.open("/dev/null", .readOnly, options: [.closeOnExec])
        options.output = output.write
        change(&options)
        if let logPath { try Self.writeManifest(layout, logs: layout.directory.appending("logs"), logPath, of: apps) }
        let apps = apps.map {
            var app = PodConfiguration.App(
                name: $0, root: "/", exec: ["/bin/true"], input: modes[0], output: modes[1], error: modes[2])
            app.marksErrors = logPath != nil
            return app
        }
        let configuration = PodConfiguration(
            hostname: "pod", machineID: Self.machineID, apps: isMutable ? [] : apps, isMutable: isMutable)
        (self.scratch, self.layout, self.machine) = (scratch, layout, machine)
        (self.output, self.errors) = (output.read, errors.read)
        thread = SignalledThread { [options] in
            let signals = try SignalDescriptor(
                [SIGTERM, SIGQUIT, SIGWINCH, MachineSignal.halt, MachineSignal.powerOff])
            for number in early { pthread_kill(pthread_self(), number) }
            let stream = ErrorStream(errors.write)
            let supervisor = Supervisor(
                pod: layout, configuration: configuration, machine: machine, listener: listener, signals: signals,
                errors: stream, options: options, origin: Clock.microseconds)
            supervisor.manager = UnitNotifier(variables) { stream.notice($0) }
            let status = try supervisor.run()
            try supervisor.report()
            try? output.write.close()
            try? errors.write.close()
            return End(status: status, outcome: supervisor.outcome)
        }
    }

    private static func pipe() throws -> (read: FileDescriptor, write: FileDescriptor) {
        // A program that inherited the writer's end would keep its reader from the end.
        let ends = try FileDescriptor.pipe(options: .closeOnExec)
        try UnixSocket.setNonBlocking(ends.readEnd)
        return (ends.readEnd, ends.writeEnd)
    }

    // MARK: - The guest

    func boot() throws { try say(.hello(version: ProtocolVersion.current, role: .shim), on: machine.bootPort) }
    func connectAgent() throws { try say(.hello(version: ProtocolVersion.current, role: .agent)) }

    func say(_ message: GuestMessage, on port: FileDescriptor? = nil) throws {
        try write(message.frame.encoded, to: port ?? machine.agentPort)
    }

    private func write(_ bytes: [UInt8], to port: FileDescriptor) throws {
        var rest = bytes[...]
        let deadline = Clock.milliseconds + 60_000
        while !rest.isEmpty, Clock.milliseconds < deadline {
            let count = port.writeAvailable(rest)
            if let count { rest = rest.dropFirst(count) } else { _ = try Poll.wait([(port, .write)], timeout: 100) }
        }
        guard rest.isEmpty else { throw TimedOut("writing to the supervisor", .seconds(60)) }
    }

    /// Sends the same again and again until nobody takes it any more.
    ///
    /// - Returns: how many bytes were taken.
    func flood(_ message: GuestMessage, most: Int) throws -> Int {
        let one = message.frame.encoded
        let bytes = Array(repeatElement(one, count: max(1, (64 << 10) / one.count)).joined())
        var taken = 0
        var offset = 0
        while taken < most {
            guard try Poll.wait([(machine.agentPort, .write)], timeout: 1000).isEmpty == false else { break }
            guard let count = machine.agentPort.writeAvailable(bytes[offset...]) else { continue }
            taken += count
            offset = (offset + count) % bytes.count
        }
        return taken
    }

    /// The next message of the host.
    func hear(on port: FileDescriptor? = nil) async throws -> HostMessage {
        let port = port ?? machine.agentPort
        var message: HostMessage?
        try await read("a message of the host", from: port) {
            while true {
                if let frame = try decoder.next() {
                    message = try HostMessage(frame)
                    return true
                }
                guard case .bytes(let bytes) = port.readAvailable() else { return false }
                decoder.append(bytes)
            }
        }
        return try #require(message)
    }

    /// Waits until what has come from a port is enough.
    ///
    /// The wait is one of the kernel's as long as bytes come: where many tests run, a task is woken from a sleep late.
    private func read(
        _ what: String, from port: FileDescriptor, isolation: isolated (any Actor)? = #isolation,
        until isEnough: () throws -> Bool
    ) async throws {
        let limit = 60
        let deadline = Clock.milliseconds + limit * 1000
        while try !isEnough() {
            guard Clock.milliseconds < deadline else { throw TimedOut(what, .seconds(limit)) }
            let ready = try Poll.wait([(port, .read)], timeout: 50)
            if ready.first?.ready.contains(.read) != true { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    /// What has been written to a port, as it is, once there is so much of it.
    func received(on port: FileDescriptor, atLeast count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await read("\(count) bytes of the host", from: port) {
            while case .bytes(let more) = port.readAvailable() { bytes += more }
            return bytes.count >= count
        }
        return bytes
    }

    // MARK: - The caller

    /// What has been written to standard error so far.
    var complaints: String {
        while case .bytes(let bytes) = errors.readAvailable() { shown += String(decoding: bytes, as: UTF8.self) }
        return shown
    }

    /// Everything that the supervisor writes to standard output.
    func readOutput() async throws -> [UInt8] {
        var all: [UInt8] = []
        try await read("the end of the output", from: output) {
            while true {
                switch output.readAvailable() {
                case .nothing: return false
                case .end: return true
                case .bytes(let bytes): all += bytes
                }
            }
        }
        return all
    }

    func awaitComplaint(_ text: String) async throws {
        try await eventually("\"\(text)\" on standard error") { complaints.contains(text) }
    }

    /// A client that is not `rkt enter`.
    func connect() throws -> FileDescriptor {
        let socket = try UnixSocket.connect(layout.agentSocket)
        try UnixSocket.setNonBlocking(socket)
        return socket
    }

    /// Ends a client, also where a process that is being started by another test still has a copy of its socket.
    static func leave(_ client: FileDescriptor) throws {
        _ = shutdown(client.rawValue, CInt(SHUT_RDWR))
        try client.close()
    }

    static let request = HostMessage.Session(
        target: .command(app: "web", arguments: ["true"]), terminal: false, rows: 24, columns: 80)

    /// Sends all of a message, however slowly it is taken; throws when the supervisor has closed the connection.
    func send(_ message: HostMessage, from client: FileDescriptor) throws {
        var rest = message.frame.encoded[...]
        let deadline = Clock.milliseconds + 60_000
        while !rest.isEmpty {
            if let count = client.writeAvailable(rest) {
                rest = rest.dropFirst(count)
            } else {
                guard errno == EAGAIN else { throw RuntimeError.systemCall("write", nil, Errno(rawValue: errno)) }
                guard Clock.milliseconds < deadline else { throw TimedOut("writing to the supervisor", .seconds(60)) }
                _ = try Poll.wait([(client, .write)], timeout: 1000)
            }
        }
    }

    /// What a client is told until its connection ends, or until so many messages have come.
    func answers(to client: FileDescriptor, most: Int = .max) async throws -> [GuestMessage] {
        var decoder = FrameDecoder()
        var messages: [GuestMessage] = []
        try await read("the answer to a client", from: client) {
            while messages.count < most {
                if let frame = try decoder.next() {
                    messages.append(try GuestMessage(frame))
                    continue
                }
                switch client.readAvailable() {
                case .nothing: return false
                case .end: return true
                case .bytes(let bytes): decoder.append(bytes)
                }
            }
            return true
        }
        return messages
    }

    func end() async throws -> End {
        machine.powerOff()
        return try await thread.value()
    }
}

extension JournalEntry {
    /// What an app's line is in the journal.
    static func line(of app: String, _ text: String, at realtime: UInt64 = 1_767_366_245_000_000) -> JournalEntry {
        let fields = [
            "PRIORITY=6", "SYSLOG_IDENTIFIER=\(app)", "_PID=7", "_SYSTEMD_UNIT=\(app).service", "MESSAGE=\(text)",
        ]
        return JournalEntry(
            realtime: realtime, monotonic: 1_500_000, boot: [UInt8](repeating: 7, count: 16),
            fields: fields.map { Array($0.utf8) })
    }
}

extension FileDescriptor {
    enum Reading { case bytes([UInt8]), nothing, end }

    /// Reads what is there.
    ///
    /// Never inlined: where the bytes are not used, the optimizer of Swift 6.3 frees their array before it fills it.
    @inline(never)
    func readAvailable() -> Reading {
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        let count = buffer.withUnsafeMutableBytes { Glibc.read(rawValue, $0.baseAddress, $0.count) }
        if count < 0 { return errno == EAGAIN || errno == EINTR ? .nothing : .end }
        return count == 0 ? .end : .bytes(Array(buffer[..<count]))
    }

    /// Reads what is there and forgets it.
    func skipAvailable() {
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        while buffer.withUnsafeMutableBytes({ Glibc.read(rawValue, $0.baseAddress, $0.count) }) > 0 {}
    }

    /// Writes what is taken at once, or nil when nothing is.
    func writeAvailable(_ bytes: ArraySlice<UInt8>) -> Int? {
        let count = bytes.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
        return count < 0 ? nil : count
    }
}
