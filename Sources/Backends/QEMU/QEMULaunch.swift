// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// Executes one plan: opens what it names, starts the share servers and QEMU, and waits until QEMU runs the guest.
///
/// Until then everything belongs to the launch, which undoes itself when a step fails.
final class QEMULaunch {
    private let plan: QEMUCommandLine
    private let log: MachineLog
    private let null: FileDescriptor
    /// What only the children keep.
    private var passed: [FileDescriptor] = []
    private var numbers: [Int32] = []
    /// Our ends of the channels.
    private var channels: [QEMUChannel: FileDescriptor] = [:]
    private var connections: [FileDescriptor] = []
    private var servers: [ChildProcess] = []
    private var emulator: ChildProcess?

    /// Milliseconds until QEMU has to run the guest; a loaded host needs seconds where an idle one needs 0.1.
    private static let patience = 30_000
    /// What the programs find; they are told everything else by arguments.
    private static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]

    init(_ plan: QEMUCommandLine) throws {
        self.plan = plan
        log = try MachineLog(plan.log)
        do {
            null = try FileDescriptor.open("/dev/null", .readWrite, options: [.closeOnExec])
        } catch {
            try? log.file.close()
            throw RuntimeError(.internal, "cannot open /dev/null", cause: error)
        }
    }

    func run() throws -> QEMUMachine {
        do {
            try withSockets(plan.label) {
                for (index, server) in plan.shareServers.enumerated() { try start(server, index) }
                try startEmulator()
            }
            return try handShake()
        } catch {
            guard undo() else {
                throw CleanupError(
                    primary: error,
                    cleanup: RuntimeError(.timeout, "a process of machine \(plan.id) survives being killed"))
            }
            throw error
        }
    }

    // MARK: - Share servers

    /// The server accepts on a listening socket, and QEMU takes a connected one. Nothing else can get in between: the
    /// connection is made before the server starts, and the path is gone by then.
    private func start(_ server: VirtiofsdCommandLine, _ index: Int) throws {
        let path = plan.workingDirectory.appending("virtiofs-\(index).sock")
        try FileSystem.remove(path)
        let listener = try UnixSocket.listen(path)
        defer { try? listener.close() }
        do {
            connections.append(try UnixSocket.connect(path))
        } catch {
            try? FileSystem.remove(path)
            guard let label = plan.label, (error as? RuntimeError)?.code == .permissionDenied else { throw error }
            throw RuntimeError(
                .permissionDenied,
                "cannot connect sockets in the SELinux context \"\(label)\" (\(error)); \(SELinuxContext.remedy)")
        }
        try FileSystem.remove(path)
        let standard = [null.rawValue, log.file.rawValue, log.file.rawValue]
        servers.append(
            try spawn(
                server.words, descriptors: standard + [listener.rawValue],
                readOnly: server.readOnly ? [server.source] : [], limits: MachineLimits.server))
    }

    // MARK: - QEMU

    private func startEmulator() throws {
        for descriptor in plan.descriptors { numbers.append(try open(descriptor)) }
        if let control = channels[.control] {
            // Queued before QEMU exists, so that its early end is reported as that and not as a failed send.
            let qmp = QMPChannel(control)
            try qmp.send(command: "qmp_capabilities")
            try qmp.send(command: "cont")
        }
        emulator = try spawn(
            plan.words, descriptors: numbers,
            credentials: plan.credentials?.spawned(accelerator: plan.accelerator.accelerator), limits: plan.limits,
            label: plan.label.map { ProcessLabel($0) })
        closePassed()
    }

    /// The descriptor of this process that becomes the planned one.
    private func open(_ descriptor: QEMUDescriptor) throws -> Int32 {
        switch descriptor {
        case .null:
            return null.rawValue
        case .log:
            return log.file.rawValue
        case .inherited(let number), .interface(_, let number):
            return number
        case .shareServer(let index):
            return connections[index].rawValue
        case .readOnlyFile(let path):
            do {
                let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
                passed.append(file)
                return file.rawValue
            } catch let errno as Errno {
                throw RuntimeError.systemCall("open", path, errno)
            }
        case .channel(let channel):
            let (ours, theirs) = try UnixSocket.pair()
            passed.append(theirs)
            channels[channel] = ours
            try UnixSocket.setNonBlocking(ours)
            return theirs.rawValue
        }
    }

    private func spawn(
        _ words: [String], descriptors: [Int32], readOnly: [FilePath] = [],
        credentials: SpawnRequest.Credentials? = nil, limits: [ResourceLimit], label: ProcessLabel? = nil
    ) throws -> ChildProcess {
        var request = SpawnRequest(
            path: FilePath(words[0]), arguments: words, environment: Self.environment, descriptors: descriptors,
            directory: plan.workingDirectory,
            // A terminal's signals are the supervisor's to handle.
            newSession: true,
            privateMounts: credentials != nil || !readOnly.isEmpty, readOnlyPaths: readOnly,
            credentials: credentials,
            // Nothing outlives the supervisor, however it ends.
            parentDeathSignal: 9)
        request.limits = limits
        request.label = label
        return try ChildProcess.spawn(request)
    }

    // MARK: - First words

    /// Waits for QEMU's answers to the two commands that set the guest running: they mean that every option was
    /// understood, every file opened and every server reached.
    private func handShake() throws -> QEMUMachine {
        guard let emulator, let console = channels[.console], let boot = channels[.boot],
            let agent = channels[.agent], let control = channels[.control]
        else {
            throw RuntimeError(.internal, "the plan of machine \(plan.id) lacks a channel")
        }
        let qmp = QMPChannel(control)
        let deadline = Clock.milliseconds + Self.patience
        var version = ""
        var events: [MachineEvent] = []
        var replies = 0
        while replies < 2 {
            try requireRunning(emulator)
            let left = deadline - Clock.milliseconds
            guard left > 0, !qmp.isClosed else { throw failure(of: emulator) }
            let processes = [emulator] + servers
            _ = try Poll.wait([(control, .read)] + processes.map { ($0.pidfd, .read) }, timeout: left)
            for message in try qmp.receive() {
                switch message {
                case .greeting(let text): version = text
                case .returned: replies += 1
                case .failed(let reason): throw RuntimeError(.internal, "qemu refused to start the guest: \(reason)")
                case .event(let name, let data):
                    guard let event = MachineEvent(qmp: name, data: data), event != .resumed else { continue }
                    events.append(event)
                }
            }
        }
        try? null.close()
        return QEMUMachine(
            plan: plan, version: version,
            descriptors: MachineDescriptors(bootPort: boot, agentPort: agent, console: console, control: control),
            emulator: emulator, servers: servers, control: qmp, early: events, log: log)
    }

    /// Throws when a process of the machine has ended, with its last words.
    private func requireRunning(_ emulator: ChildProcess) throws {
        for (index, server) in servers.enumerated() {
            guard let exit = try server.poll() else { continue }
            // QEMU ending first takes its servers along.
            if try emulator.wait(until: Clock.milliseconds + 200) != nil { break }
            let source = plan.shareServers[index].source
            throw RuntimeError(.internal, Self.quoting("virtiofsd for \"\(source)\" ended with \(exit)", log.tail()))
        }
        if try emulator.poll() != nil { throw failure(of: emulator) }
    }

    private func failure(of emulator: ChildProcess) -> RuntimeError {
        // A closed channel is seen before the end of the process.
        guard let exit = try? emulator.wait(until: Clock.milliseconds + 1000) else {
            return RuntimeError(
                .timeout,
                Self.quoting("qemu did not start the guest within \(Self.patience / 1000) seconds", log.tail()))
        }
        return RuntimeError(
            .internal, Self.quoting("qemu ended with \(exit) before the guest was started", log.tail()))
    }

    private static func quoting(_ message: String, _ words: String) -> String {
        words.isEmpty ? message : "\(message): \(words.split(separator: "\n").joined(separator: "; "))"
    }

    // MARK: - Undoing

    private func closePassed() {
        for descriptor in passed + connections { try? descriptor.close() }
        passed = []
        connections = []
    }

    /// - Returns: whether every process has ended.
    private func undo() -> Bool {
        var haveEnded = emulator?.kill() ?? true
        // A server ends at once when its connection closes.
        closePassed()
        for server in servers { haveEnded = server.kill() && haveEnded }
        for process in servers { process.close() }
        emulator?.close()
        for descriptor in channels.values { try? descriptor.close() }
        try? null.close()
        try? log.file.close()
        return haveEnded
    }
}
