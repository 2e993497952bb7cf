// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// Executes one plan: makes what the domain finds by its path, starts the share servers and the keeper, and waits until the
/// domain runs.
///
/// Until then everything belongs to the launch, which undoes itself when a step fails.
final class LibvirtLaunch {
    private let plan: LibvirtDomain
    private let log: MachineLog
    /// What only the children keep.
    private var passed: [FileDescriptor] = []
    private var listeners: [LibvirtChannel: FileDescriptor] = [:]
    /// Our ends of the channels.
    private var channels: [LibvirtChannel: FileDescriptor] = [:]
    private var control: FileDescriptor?
    private var servers: [ChildProcess] = []
    private var keeper: ChildProcess?
    private var emulator: ChildProcess?

    /// Milliseconds until libvirt has to have made the domain. Its first one takes seconds more, in which libvirt asks QEMU
    /// for what it can do.
    private static let patience = 60_000
    private static let path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

    init(_ plan: LibvirtDomain) throws {
        self.plan = plan
        log = try MachineLog(plan.log)
    }

    func run() throws -> LibvirtMachine {
        do {
            try makeDirectory()
            for (index, server) in plan.shareServers.enumerated() { try start(server, index) }
            for channel in plan.channels {
                let listener = try listen(LibvirtDomain.socket(of: channel))
                try UnixSocket.setNonBlocking(listener)
                listeners[channel] = listener
            }
            try startKeeper()
            return try handShake()
        } catch {
            do {
                try undo()
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
    }

    // MARK: - What QEMU finds by its path

    /// Users can pass through it, and cannot see what is in it.
    private func makeDirectory() throws {
        // Whatever the umask of who starts the pod.
        try SharedDirectory.make(LibvirtDomain.parent.removingLastComponent(), mode: 0o755)
        try SharedDirectory.make(LibvirtDomain.parent, mode: 0o711)
        try FileSystem.removeTree(plan.directory)
        try SharedDirectory.make(plan.directory, mode: 0o711)
        for copy in plan.copies { try self.copy(copy.source, to: plan.directory.appending(copy.name)) }
        let xml = try FileSystem.openAnonymous(in: plan.directory)
        passed.append(xml)
        try FileSystem.writeAll(Array(plan.xml.utf8), to: xml)
        _ = try xml.seek(offset: 0, from: .start)
        description = xml
    }

    private var description: FileDescriptor?

    private func copy(_ source: FilePath, to target: FilePath) throws {
        do {
            let from = try FileDescriptor.open(source, .readOnly, options: [.closeOnExec])
            defer { try? from.close() }
            let to = try FileDescriptor.open(
                target, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: FilePermissions(rawValue: 0o400))
            defer { try? to.close() }
            var portion = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                // SAFETY: the buffer outlives the call, which writes at most its length.
                let count = try portion.withUnsafeMutableBytes { try from.read(into: $0) }
                if count == 0 { break }
                try FileSystem.writeAll(Array(portion[..<count]), to: to, target)
            }
            try FileSystem.setOwner(plan.user, plan.user, of: to)
        } catch let errno as Errno {
            throw RuntimeError.systemCall("copy", source, errno)
        }
    }

    /// A socket that the machine's user alone can connect to.
    private func listen(_ name: String) throws -> FileDescriptor {
        let path = plan.directory.appending(name)
        let listener = try UnixSocket.listen(path, mode: 0o600)
        guard lchown(path.string, plan.user, plan.user) == 0 else {
            let error = lastErrno
            try? listener.close()
            throw RuntimeError.systemCall("chown", path, error)
        }
        return listener
    }

    // MARK: - Processes

    private func start(_ server: VirtiofsdCommandLine, _ index: Int) throws {
        let listener = try listen(LibvirtDomain.socket(ofShare: index))
        defer { try? listener.close() }
        let null = try FileDescriptor.open("/dev/null", .readWrite, options: [.closeOnExec])
        defer { try? null.close() }
        servers.append(
            try spawn(
                server.words,
                descriptors: [null.rawValue, log.file.rawValue, log.file.rawValue, listener.rawValue],
                readOnly: server.readOnly ? [server.source] : []))
    }

    private func startKeeper() throws {
        guard let description else { return }
        let (ours, theirs) = try UnixSocket.pair()
        control = ours
        passed.append(theirs)
        try UnixSocket.setNonBlocking(ours)
        var numbers = [theirs.rawValue, log.file.rawValue, log.file.rawValue, description.rawValue]
        for descriptor in plan.descriptors {
            switch descriptor {
            case .frames(_, let number), .inherited(let number): numbers.append(number)
            case .listener(let index):
                let listener = try listen(LibvirtDomain.socket(ofInterface: index))
                passed.append(listener)
                numbers.append(listener.rawValue)
            }
        }
        keeper = try spawn([plan.keeper.string] + plan.arguments, descriptors: numbers)
        for descriptor in passed { try? descriptor.close() }
        passed = []
    }

    private func spawn(
        _ words: [String], descriptors: [Int32], readOnly: [FilePath] = []
    ) throws -> ChildProcess {
        try ChildProcess.spawn(
            SpawnRequest(
                path: FilePath(words[0]), arguments: words, environment: [Self.path, "LC_ALL=C"],
                descriptors: descriptors, directory: plan.workingDirectory,
                // A terminal's signals are the supervisor's to handle.
                newSession: true, privateMounts: !readOnly.isEmpty, readOnlyPaths: readOnly,
                // Nothing outlives the supervisor, however it ends. The domain does not outlive its keeper.
                parentDeathSignal: 9))
    }

    // MARK: - First words

    /// Milliseconds for libvirt to tell the keeper that there is no QEMU any more.
    private static let goneMachinePatience = 5_000

    /// Waits for the keeper's word that the domain runs, by when QEMU has connected everywhere.
    private func handShake() throws -> LibvirtMachine {
        guard let keeper, let control else { throw RuntimeError(.internal, "machine \(plan.id) has no keeper") }
        let channel = QMPChannel(control)
        let deadline = Clock.milliseconds + Self.patience
        var version: String?
        var events: [QMPMessage] = []
        while version == nil {
            for message in try channel.receive() {
                switch message {
                case .greeting(let text): version = text
                case .failed(let reason): throw RuntimeError(.internal, reason)
                case .returned: break
                case .event: events.append(message)
                }
            }
            if version != nil { break }
            let left = deadline - Clock.milliseconds
            guard left > 0 else {
                throw RuntimeError(
                    .timeout,
                    "libvirt has not made the machine within \(Self.patience / 1000) seconds; see whether \"virsh list\" "
                        + "answers, and restart libvirtd if it does not")
            }
            guard !channel.isClosed else {
                let exit = try keeper.wait(until: Clock.milliseconds + 1000)
                throw RuntimeError(
                    .internal,
                    "the program that keeps the domain ended with \(exit.map { "\($0)" } ?? "nothing said"): "
                        + log.tail().split(separator: "\n").joined(separator: "; "))
            }
            _ = try Poll.wait([(control, .read), (keeper.pidfd, .read)], timeout: left)
        }
        try accept(until: deadline)
        let emulator = try findEmulator(keeper, channel, &events)
        guard let console = channels[.console], let boot = channels[.boot], let agent = channels[.agent] else {
            throw RuntimeError(.internal, "the plan of machine \(plan.id) lacks a channel")
        }
        try removePaths()
        return LibvirtMachine(
            plan: plan, version: version ?? "",
            descriptors: MachineDescriptors(bootPort: boot, agentPort: agent, console: console, control: control),
            keeper: keeper, emulator: emulator, servers: servers, control: channel, early: events, log: log)
    }

    private func accept(until deadline: Int) throws {
        for channel in plan.channels {
            guard let listener = listeners[channel] else { continue }
            while channels[channel] == nil {
                let left = deadline - Clock.milliseconds
                guard left > 0, try !Poll.wait([(listener, .read)], timeout: left).isEmpty else {
                    throw RuntimeError(.timeout, "qemu has not connected to its \(channel.rawValue) in time")
                }
                guard let (socket, peer) = try UnixSocket.accept(listener) else { continue }
                guard peer == plan.user else {
                    try? socket.close()
                    throw RuntimeError(
                        .untrusted,
                        "user \(peer) has connected in place of the machine; \"security_driver\" of libvirt's qemu.conf has "
                            + "to let domains choose their user (\"dac\")")
                }
                channels[channel] = socket
                try UnixSocket.setNonBlocking(socket)
            }
        }
    }

    /// - Returns: nil when the machine has ended already.
    private func findEmulator(
        _ keeper: ChildProcess, _ channel: QMPChannel, _ events: inout [QMPMessage]
    ) throws -> ChildProcess? {
        // Others can have the same arguments, and are not to keep a pod from starting.
        let found = try LibvirtProcess.find(plan.name, of: plan.user)
        if found.isEmpty {
            // A guest may be gone before it is looked for. Its keeper then says so, and ends.
            _ = try keeper.wait(until: Clock.milliseconds + Self.goneMachinePatience)
            events += try channel.receive()
            if try keeper.poll() != nil { return nil }
        }
        guard let process = found.first, found.count == 1 else {
            for other in found { other.close() }
            throw RuntimeError(
                .unsupported,
                "the process of domain \(plan.name) is not to be seen; libvirtd and rkt have to run in the same PID namespace"
            )
        }
        emulator = process
        guard try !plan.requiresFilter || LibvirtProcess.isFiltered(process) else {
            throw RuntimeError(
                .unsupported,
                "libvirt does not filter the system calls of its domains; remove \"seccomp_sandbox\" from its qemu.conf"
            )
        }
        return process
    }

    /// QEMU has what it opened; nobody else needs it, and an unlinked file is gone with its machine.
    private func removePaths() throws {
        for listener in listeners.values { try? listener.close() }
        listeners = [:]
        try FileSystem.removeTree(plan.directory)
    }

    // MARK: - Undoing

    private func undo() throws {
        // libvirt ends the domain when its keeper's connection is gone.
        let keeperHasEnded = keeper?.kill() ?? true
        for descriptor in passed + listeners.values + channels.values { try? descriptor.close() }
        defer {
            for server in servers { server.kill() }
            for process in servers + [keeper, emulator].compactMap({ $0 }) { process.close() }
            if let control { try? control.close() }
            try? log.file.close()
        }
        if keeper != nil { try LibvirtProcess.endAll(of: plan.name) }
        try FileSystem.removeTree(plan.directory)
        guard keeperHasEnded else {
            throw RuntimeError(.timeout, "the program that keeps domain \(plan.name) survives being killed")
        }
    }
}
