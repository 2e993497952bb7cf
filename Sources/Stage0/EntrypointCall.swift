// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// Calls of a pod's entrypoints: the working directory is the pod's, the program's path relative to it.
struct EntrypointCall {
    let layout: PodLayout
    /// `NAME=VALUE` each.
    var environment = ProcessImage.environment
    /// A descriptor that a spawned entrypoint gets under its own number, besides the standard three.
    var inherited: Int32?
    /// Stage1's root, relative to the pod directory or absolute.
    var root: FilePath = "stage1/rootfs"

    /// Runs an entrypoint to its end.
    ///
    /// - Parameters:
    ///   - readsInput: whether it gets this program's standard input, or `/dev/null`.
    ///   - output: its standard output in place of this program's.
    ///   - diesWithCaller: whether it is killed when this thread ends.
    ///   - isQuiet: whether nobody reads what it has to complain about.
    ///   - patience: milliseconds after which it is killed; nil waits without end.
    /// - Throws: code `timeout` when it has been killed.
    func spawn(
        _ entrypoint: String, _ arguments: [String], readsInput: Bool = true, output: FileDescriptor = .standardOutput,
        diesWithCaller: Bool = false, isQuiet: Bool = false, patience: Int? = nil
    ) throws -> ProcessExit {
        let path = root.appending(entrypoint)
        let null = try FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec)
        defer { try? null.close() }
        var descriptors: [Int32] = [readsInput ? 0 : null.rawValue, output.rawValue, isQuiet ? null.rawValue : 2]
        if let inherited, inherited > 2 {
            descriptors += Array(repeating: -1, count: Int(inherited) - 3) + [inherited]
        }
        let child = try ChildProcess.spawn(
            SpawnRequest(
                path: path, arguments: [path.string] + arguments, environment: environment, descriptors: descriptors,
                directory: layout.directory, parentDeathSignal: diesWithCaller ? SIGKILL : 0))
        defer { child.close() }
        if let patience, try !ends(child, within: patience) {
            try child.signal(SIGKILL)
            _ = try child.wait()
            throw RuntimeError(
                .timeout,
                "\"\(entrypoint)\" of the pod's stage1 did not end within \(patience / 1000) s, and has been killed")
        }
        return try child.wait()
    }

    private func ends(_ child: ChildProcess, within patience: Int) throws -> Bool {
        let deadline = Clock.milliseconds + patience
        while try Poll.wait([(child.pidfd, .read)], timeout: deadline - Clock.milliseconds).isEmpty {
            guard Clock.milliseconds < deadline else { return false }
        }
        return true
    }

    /// Replaces this program by an entrypoint.
    func execute(_ entrypoint: String, _ arguments: [String]) throws -> Never {
        let path = root.appending(entrypoint)
        guard chdir(layout.directory.string) == 0 else {
            throw RuntimeError.systemCall("chdir", layout.directory, lastErrno)
        }
        try ProcessImage.execute(path, arguments: [path.string] + arguments, environment: environment)
    }
}
