// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage

/// A program started by a test, with its output in files, so that it can be looked at while the program runs.
package final class HostProcess {
    /// Where the program's standard descriptors lead.
    package enum Input {
        /// Nothing to read.
        case null
        case file(FilePath)
        case descriptor(FileDescriptor)
        /// All three are the terminal, which becomes the program's controlling one; there are no output files then.
        case terminal(PseudoTerminal)
    }

    /// How it ended and what it wrote.
    package struct Outcome: Sendable {
        package let status: Int32
        package let output: String
        package let error: String

        package var lines: [String] { output.split(separator: "\n").map(String.init) }
        /// Lines on standard error, without the warnings that the machine is emulated and that signatures are not
        /// verified.
        package var complaints: [String] {
            error.split(separator: "\n").map(String.init)
                .filter { !$0.hasPrefix("stage1: warning: the pod's machine is emulated") }
                .filter { $0 != "image: warning: image signature verification has been disabled" }
        }
    }

    package let command: [String]
    package let child: ChildProcess
    private let outputFile: FilePath
    private let errorFile: FilePath

    package static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// - Parameters:
    ///   - environment: overrides the standard one.
    ///   - log: the files of output and error get this path with an extension.
    package init(
        _ program: FilePath, _ arguments: [String], environment: [String: String] = [:], input: Input = .null,
        log: FilePath
    ) throws {
        var variables = ["PATH": HostProcess.searchPath, "LC_ALL": "C", "HOME": "/root"]
        variables.merge(environment) { $1 }
        command = [program.string] + arguments
        outputFile = FilePath(log.string + ".out")
        errorFile = FilePath(log.string + ".err")
        var request = SpawnRequest(
            path: program, arguments: command, environment: variables.map { "\($0)=\($1)" }.sorted(),
            directory: log.removingLastComponent())
        var opened: [FileDescriptor] = []
        defer { for file in opened { try? file.close() } }
        func open(_ path: FilePath, _ mode: FileDescriptor.AccessMode) throws -> Int32 {
            let options: FileDescriptor.OpenOptions =
                mode == .readOnly ? [.closeOnExec] : [.create, .truncate, .closeOnExec]
            let file = try FileDescriptor.open(path, mode, options: options, permissions: .ownerReadWrite)
            opened.append(file)
            return file.rawValue
        }
        switch input {
        case .terminal(let terminal):
            request.descriptors = [Int32](repeating: terminal.slave.rawValue, count: 3)
            request.newSession = true
        case .descriptor(let source):
            request.descriptors = [
                source.rawValue, try open(outputFile, .writeOnly), try open(errorFile, .writeOnly),
            ]
        case .null, .file:
            var source: FilePath = "/dev/null"
            if case .file(let path) = input { source = path }
            request.descriptors = [
                try open(source, .readOnly), try open(outputFile, .writeOnly), try open(errorFile, .writeOnly),
            ]
        }
        child = try ChildProcess.spawn(request)
    }

    deinit { child.close() }

    /// What it has written to standard output so far.
    package var output: String { HostProcess.text(outputFile) }
    /// What it has written to standard error so far.
    package var error: String { HostProcess.text(errorFile) }
    package var isRunning: Bool { (try? child.poll()) == .some(.none) }

    private static func text(_ path: FilePath) -> String {
        ((try? FileSystem.read(path, limit: 256 << 20)) ?? []).withUnsafeBufferPointer {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Waits for its end. One that takes longer is killed.
    package func end(
        within limit: Duration = .seconds(150), isolation: isolated (any Actor)? = #isolation
    ) async throws -> Outcome {
        do {
            try await eventually("the end of \"\(command.joined(separator: " "))\"", within: limit) { !isRunning }
        } catch {
            killAll()
            throw error
        }
        return Outcome(status: try child.wait().status, output: output, error: self.error)
    }

    package func signal(_ number: Int32) throws { try child.signal(number) }

    /// Ends it and what it has started.
    package func killAll() {
        let descendants = HostTraces.descendants(of: child.pid)
        kill()
        for process in descendants where HostTraces.isAlive(process.pid) { Glibc.kill(process.pid, SIGKILL) }
    }

    /// Ends it now and waits for that.
    package func kill() {
        try? child.signal(SIGKILL)
        _ = try? child.wait()
    }
}
