// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// Executes one plan: opens what it names, starts lkvm, and connects to the terminals that it makes of serial ports.
///
/// Until then everything belongs to the launch, which undoes itself when a step fails.
final class LKVMLaunch {
    private let plan: LKVMCommandLine
    private let log: MachineLog
    /// What only the child keeps.
    private var passed: [FileDescriptor] = []
    private var console: FileDescriptor?
    private var messages: FileDescriptor?
    private var terminals: [Int: FileDescriptor] = [:]
    private var emulator: ChildProcess?

    /// Milliseconds until lkvm has to have made the terminals; it does so first of all.
    private static let patience = 30_000
    /// Milliseconds for telling its version.
    private static let versionPatience = 5_000
    private static let longestVersion = 128
    /// Bytes that it may say before it has made them.
    private static let mostWords = 64 << 10

    init(_ plan: LKVMCommandLine) throws {
        self.plan = plan
        log = try MachineLog(plan.log)
    }

    func run() throws -> LKVMMachine {
        do {
            try makeHome()
            let version = try version()
            try withSockets(plan.label) { try start() }
            try connect()
            guard let emulator, let console, let messages, let boot = terminals[LKVMCommandLine.bootTerminal],
                let agent = terminals[LKVMCommandLine.agentTerminal]
            else {
                throw RuntimeError(.internal, "the plan of machine \(plan.id) lacks a channel")
            }
            return LKVMMachine(
                plan: plan, version: version,
                descriptors: MachineDescriptors(
                    bootPort: boot, agentPort: agent, console: console, control: messages, portEscape: Self.escape),
                emulator: emulator, log: log)
        } catch {
            guard undo() else {
                throw CleanupError(
                    primary: error,
                    cleanup: RuntimeError(.timeout, "lkvm of machine \(plan.id) survives being killed"))
            }
            throw error
        }
    }

    /// Ctrl-A. lkvm takes the key after it as a command, such as the one that ends the machine; twice it is itself.
    private static let escape: UInt8 = 1

    // MARK: - Before lkvm

    /// A directory that lkvm's user may write to: it makes a socket below its home, and will not run without.
    private func makeHome() throws {
        try FileSystem.removeTree(plan.home)
        try FileSystem.makeDirectory(plan.home, mode: 0o700)
        guard let user = plan.credentials?.user else { return }
        do {
            let directory = try FileDescriptor.open(
                plan.home, .readOnly, options: [.directory, .noFollow, .closeOnExec])
            defer { try? directory.close() }
            try FileSystem.setOwner(user, user, of: directory)
        } catch let errno as Errno {
            throw RuntimeError.systemCall("open", plan.home, errno)
        }
    }

    /// What lkvm calls itself, such as "kvm tool 3.18.0".
    private func version() throws -> String {
        let (ours, theirs) = try UnixSocket.pair()
        defer { try? ours.close() }
        let process: ChildProcess
        do {
            defer { try? theirs.close() }
            process = try spawn(
                [plan.program.string, "version"], descriptors: [-1, theirs.rawValue, log.file.rawValue])
        }
        // Whatever fails below, it is not left behind.
        defer {
            process.kill()
            process.close()
        }
        let deadline = Clock.milliseconds + Self.versionPatience
        var text: [UInt8] = []
        while text.count < Self.longestVersion, Clock.milliseconds < deadline {
            guard !(try Poll.wait([(ours, .read)], timeout: deadline - Clock.milliseconds)).isEmpty else { break }
            let bytes = ours.available(Self.longestVersion)
            guard !bytes.isEmpty else { break }
            text += bytes
        }
        let line = text.prefix { $0 != UInt8(ascii: "\n") }.filter { $0 >= 0x20 && $0 < 0x7F }
        return line.isEmpty ? "unknown" : String(decoding: line, as: UTF8.self)
    }

    // MARK: - lkvm

    private func start() throws {
        var numbers: [Int32] = []
        let terminal = try PseudoTerminal.open()
        console = terminal.master
        passed.append(terminal.slave)
        try UnixSocket.setNonBlocking(terminal.master)
        let (ours, theirs) = try UnixSocket.pair()
        messages = ours
        passed.append(theirs)
        try UnixSocket.setNonBlocking(ours)
        for descriptor in plan.descriptors {
            switch descriptor {
            case .console: numbers.append(terminal.slave.rawValue)
            case .messages: numbers.append(theirs.rawValue)
            case .inherited(let number), .interface(_, let number): numbers.append(number)
            case .readOnlyFile(let path):
                do {
                    let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
                    passed.append(file)
                    numbers.append(file.rawValue)
                } catch let errno as Errno {
                    throw RuntimeError.systemCall("open", path, errno)
                }
            }
        }
        emulator = try spawn(plan.words, descriptors: numbers, label: plan.label.map { ProcessLabel($0) })
        closePassed()
    }

    private func spawn(
        _ words: [String], descriptors: [Int32], label: ProcessLabel? = nil
    ) throws -> ChildProcess {
        var request = SpawnRequest(
            path: plan.program, arguments: words,
            // Its control socket is made below its home, by a path that must not be long.
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=."], descriptors: descriptors,
            directory: plan.home,
            // A terminal's signals are the supervisor's to handle.
            newSession: true, privateMounts: plan.credentials != nil || !plan.readOnlySources.isEmpty,
            readOnlyPaths: plan.readOnlySources, credentials: plan.credentials?.spawned(accelerator: .kvm),
            // Nothing outlives the supervisor, however it ends.
            parentDeathSignal: 9)
        request.limits = plan.limits
        request.label = label
        return try ChildProcess.spawn(request)
    }

    /// Waits for the names of the terminals, which lkvm tells on its standard output or error, and opens them.
    ///
    /// The guest does not run yet, and finds them open when it does.
    private func connect() throws {
        guard let emulator, let console, let messages else { return }
        let deadline = Clock.milliseconds + Self.patience
        let wanted = [LKVMCommandLine.bootTerminal, LKVMCommandLine.agentTerminal]
        var shown: [UInt8] = [], said: [UInt8] = []
        defer { log.append(shown + said) }
        while true {
            let ended = try emulator.poll()
            shown += console.available(Self.mostWords - shown.count)
            said += messages.available(Self.mostWords - said.count)
            // Only lkvm writes on its standard error.
            let paths = LKVMTerminals.paths(in: said).merging(LKVMTerminals.paths(in: shown)) { first, _ in first }
            if let ended { throw failure("lkvm ended with \(ended) before the guest was started", shown + said) }
            if wanted.allSatisfy({ paths[$0] != nil }) {
                for number in wanted {
                    guard let path = paths[number] else { continue }
                    let terminal = try Terminal.openRaw(path)
                    terminals[number] = terminal
                    try UnixSocket.setNonBlocking(terminal)
                }
                return
            }
            let left = deadline - Clock.milliseconds
            guard left > 0, shown.count < Self.mostWords, said.count < Self.mostWords else {
                throw failure("lkvm did not tell which terminals are the serial ports of the guest", shown + said)
            }
            _ = try Poll.wait(
                [(console, .read), (messages, .read), (emulator.pidfd, .read)], timeout: left)
        }
    }

    private func failure(_ message: String, _ words: [UInt8]) -> RuntimeError {
        let lines = MachineLog.printable(words).split(separator: "\n").suffix(8).joined(separator: "; ")
        return RuntimeError(.internal, lines.isEmpty ? message : "\(message): \(lines)")
    }

    // MARK: - Undoing

    private func closePassed() {
        for descriptor in passed { try? descriptor.close() }
        passed = []
    }

    /// - Returns: whether lkvm has ended.
    private func undo() -> Bool {
        let hasEnded = emulator?.kill() ?? true
        closePassed()
        emulator?.close()
        for descriptor in [console, messages].compactMap({ $0 }) + terminals.values { try? descriptor.close() }
        try? log.file.close()
        try? FileSystem.removeTree(plan.home)
        return hasEnded
    }
}

extension FileDescriptor {
    /// What a non-blocking descriptor has; empty at its end, too.
    func available(_ most: Int) -> [UInt8] {
        guard most > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: most)
        // SAFETY: the buffer outlives the call, which writes at most its length.
        let count = (try? buffer.withUnsafeMutableBytes { try read(into: $0) }) ?? 0
        return Array(buffer[..<count])
    }
}
