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
    /// Nobody else is signalled, whoever has the app's number when it has ended.
    ///
    /// - Parameter force: kill it.
    package func signalApp(force: Bool) throws {
        guard try awaitProcess() else { return }
        let app = try ProcessIdentity(recordedIn: pod)
        let signal = force ? SIGKILL : SIGTERM
        guard try isLocked else { return }
        if try signalled(app, signal) || signalledGroup(leftBy: app, signal) { return }
        guard try isLocked else { return }
        throw RuntimeError(
            .invalidState,
            "process \(app.pid) of the pod has ended, and what it has started keeps the pod running; end that yourself")
    }

    /// - Returns: false when the app has ended.
    private func signalled(_ app: ProcessIdentity, _ signal: Int32) throws -> Bool {
        let process: ChildProcess
        do {
            process = try ChildProcess(pid: app.pid)
        } catch let error as RuntimeError where error.code == .notFound {
            return false
        }
        defer { process.close() }
        // Asked when it is open: this process is the app, or it is not, and stays so.
        guard app.exists else { return false }
        if getpgid(app.pid) == app.pid || isRecordedLeader(app), kill(-app.pid, signal) == 0 { return true }
        try process.signal(signal)
        return true
    }

    /// A leader that has ended may have left others, which hold the lock. As long as one of them is in the group, its
    /// number is not given to another one.
    ///
    /// - Returns: whether there was anybody to signal.
    private func signalledGroup(leftBy app: ProcessIdentity, _ signal: Int32) throws -> Bool {
        guard isRecordedLeader(app) else { return false }
        let directory = try Mount.realPath(pod.directory).string
        let isLeft = try FileSystem.list("/proc").contains { name in
            let process = FilePath("/proc").appending(name)
            guard Int32(name) != nil, let stat = try? FileSystem.read(process.appending("stat"), limit: 1 << 16),
                ProcessIdentity.field(5, in: stat) == "\(app.pid)"
            else { return false }
            let files = process.appending("fd")
            return ((try? FileSystem.list(files)) ?? []).contains {
                (try? FileSystem.readSymbolicLink(files.appending($0))) == directory
            }
        }
        return isLeft && kill(-app.pid, signal) == 0
    }

    private func isRecordedLeader(_ app: ProcessIdentity) -> Bool { (try? number(in: pod.groupFile)) == app.pid }

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
