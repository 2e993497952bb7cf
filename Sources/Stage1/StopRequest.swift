// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// The `stop` entrypoint: asks the pod's supervisor to stop, or makes it; where there is none, the app.
package struct StopRequest {
    package let pod: PodLayout
    /// Milliseconds for a pod that is starting to say who supervises it.
    package var patience = 30_000
    package init(pod: PodLayout) { self.pod = pod }

    /// - Parameter force: kill the machine instead of stopping the apps in order.
    package func send(force: Bool) throws {
        guard try awaitProcess() else { return }
        let pid = try number(in: pod.pidFile)
        let process: ChildProcess
        do {
            process = try ChildProcess(pid: pid)
        } catch let error as RuntimeError where error.code == .notFound {
            return
        }
        defer { process.close() }
        // The number may belong to another process by now; the lock tells whether the pod still runs.
        guard try isLocked else { return }
        try process.signal(force ? SIGQUIT : SIGTERM)
    }

    /// Signals the app of a pod that has no supervisor: with its process group, if it leads one.
    ///
    /// - Parameter force: kill it.
    package func signalApp(force: Bool) throws {
        guard try awaitProcess() else { return }
        let pid = try number(in: pod.pidFile)
        // The number may belong to another process by now; the lock tells whether the pod still runs.
        guard try isLocked else { return }
        // A leader that has ended may have left others, which hold the lock.
        let leads = getpgid(pid) == pid || (try? number(in: pod.groupFile)) == pid
        guard kill(leads ? -pid : pid, force ? SIGKILL : SIGTERM) != 0 else { return }
        let error = lastErrno
        guard try isLocked else { return }
        guard error == .noSuchProcess else {
            throw RuntimeError(.internal, "process \(pid) cannot be signalled: \(error.text)")
        }
        throw RuntimeError(
            .invalidState,
            "process \(pid) of the pod has ended, and what it has started keeps the pod running; end that yourself")
    }

    private var isLocked: Bool { get throws { try FileLock.tryAcquire(pod.directory, .shared) == nil } }

    private func number(in file: FilePath) throws -> Int32 {
        let text = try FileSystem.readText(file, limit: 64).filter { $0.isNumber }
        guard let pid = Int32(text), pid > 1 else {
            throw RuntimeError(.invalidState, "\(file) does not hold a process id")
        }
        return pid
    }

    /// - Returns: false when the pod ended before it had told its process.
    private func awaitProcess() throws -> Bool {
        let deadline = Clock.milliseconds + patience
        while !FileSystem.exists(pod.pidFile) {
            guard try isLocked else { return false }
            guard Clock.milliseconds < deadline else {
                throw RuntimeError(
                    .timeout,
                    "the pod is starting and has not written \(pod.pidFile) in \(patience / 1000) seconds; try again")
            }
            _ = try Poll.wait([], timeout: 10)
        }
        return true
    }
}
