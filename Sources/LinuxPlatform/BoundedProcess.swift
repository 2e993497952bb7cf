// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// How much a program may write and how long it may take.
package struct ProcessLimits: Sendable {
    /// Bytes of standard output; more ends the program.
    package var output: Int
    /// Bytes of standard error that are kept; more is thrown away.
    package var error: Int
    package var milliseconds: Int

    package init(output: Int = 1 << 20, error: Int = 64 << 10, milliseconds: Int = 120_000) {
        self.output = output
        self.error = error
        self.milliseconds = milliseconds
    }
}

/// A program that gets some text and gives some back, and that is not trusted to end or to keep within limits.
package struct BoundedProcess {
    private let program: FilePath
    private let name: String
    private let arguments: [String]
    private let environment: [String]
    private let input: [UInt8]
    private let directory: FilePath
    private let limits: ProcessLimits

    /// - Parameters:
    ///   - name: what the program is told that it is called by; nil for its path.
    ///   - arguments: what follows that.
    ///   - environment: `NAME=value` each.
    ///   - input: what it finds on standard input.
    ///   - directory: where it runs; its file system holds the input for a moment, if there is any.
    package init(
        program: FilePath, name: String? = nil, arguments: [String] = [], environment: [String], input: [UInt8] = [],
        directory: FilePath, limits: ProcessLimits = ProcessLimits()
    ) {
        self.program = program
        self.name = name ?? program.string
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.directory = directory
        self.limits = limits
    }

    /// What it has left behind.
    package struct Outcome {
        package let exit: ProcessExit
        package let output: [UInt8]
        package let error: [UInt8]
    }

    /// The directories of programs of the host, for this program and for what it runs.
    package static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Runs it to its end. It is killed, with all of its process group, when it exceeds a limit.
    ///
    /// - Throws: code `timeout` or `invalidState` for an exceeded limit.
    package func run() throws -> Outcome {
        let source = try openInput()
        defer { try? source.close() }
        var output = try OutputPipe(limit: limits.output)
        defer { output.close() }
        var error = try OutputPipe(limit: limits.error)
        defer { error.close() }
        let child = try ChildProcess.spawn(
            SpawnRequest(
                path: program, arguments: [name] + arguments, environment: environment,
                descriptors: [source.rawValue, output.writing.rawValue, error.writing.rawValue],
                directory: directory, newSession: true, parentDeathSignal: SIGKILL))
        defer { child.close() }
        output.closeWriting()
        error.closeWriting()
        do {
            try collect(&output, &error, until: child)
        } catch {
            kill(-child.pid, SIGKILL)
            _ = try? child.wait()
            throw error
        }
        return Outcome(exit: try child.wait(), output: output.bytes, error: error.bytes)
    }

    /// A file without a name: nobody has to feed it, and a program that reads nothing breaks no pipe.
    private func openInput() throws -> FileDescriptor {
        guard !input.isEmpty else { return try FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec) }
        let source = try FileSystem.openAnonymous(in: directory)
        do {
            try FileSystem.writeAll(input, to: source)
            try source.seek(offset: 0, from: .start)
        } catch {
            try? source.close()
            throw error
        }
        return source
    }

    /// Reads until the process has ended. What it has started may keep its output open for longer.
    private func collect(_ output: inout OutputPipe, _ error: inout OutputPipe, until child: ChildProcess) throws {
        let deadline = Clock.milliseconds + limits.milliseconds
        while true {
            let hasEnded = try child.poll() != nil
            try output.read()
            try error.read()
            guard !output.isOverLimit else {
                throw RuntimeError(.invalidState, "it wrote more than \(limits.output) bytes")
            }
            if hasEnded { return }
            let rest = deadline - Clock.milliseconds
            guard rest > 0 else {
                throw RuntimeError(.timeout, "it did not end within \(limits.milliseconds) milliseconds")
            }
            let open = [output, error].filter { !$0.isAtEnd }.map { ($0.reading, Poll.Interest.read) }
            _ = try Poll.wait([(child.pidfd, .read)] + open, timeout: rest)
        }
    }
}

/// One direction of a process's output.
private struct OutputPipe {
    let reading: FileDescriptor
    let writing: FileDescriptor
    private(set) var bytes: [UInt8] = []
    private(set) var isOverLimit = false
    private(set) var isAtEnd = false
    private let limit: Int
    private var isWritingOpen = true

    init(limit: Int) throws {
        // Programs that others start meanwhile do not get them: `ChildProcess.spawn` passes on what it is told to.
        (reading, writing) = try FileDescriptor.pipe()
        self.limit = limit
        do {
            try UnixSocket.setNonBlocking(reading)
        } catch {
            close()
            throw error
        }
    }

    mutating func closeWriting() {
        guard isWritingOpen else { return }
        isWritingOpen = false
        try? writing.close()
    }

    mutating func close() {
        closeWriting()
        try? reading.close()
    }

    /// Takes what is there now.
    mutating func read() throws {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        // What exceeds the limit is read all the same, and thrown away: a full pipe would stop the program.
        var rounds = 0
        while !isAtEnd, rounds < 64 {
            rounds += 1
            // SAFETY: the buffer outlives the call and its size is passed.
            let count = buffer.withUnsafeMutableBytes { Glibc.read(reading.rawValue, $0.baseAddress, $0.count) }
            if count < 0 {
                if lastErrno == .interrupted { continue }
                if lastErrno == .wouldBlock { return }
                throw RuntimeError.systemCall("read", nil, lastErrno)
            }
            if count == 0 {
                isAtEnd = true
                return
            }
            let room = limit - bytes.count
            bytes.append(contentsOf: buffer[..<min(count, room)])
            if count > room { isOverLimit = true }
        }
    }
}
