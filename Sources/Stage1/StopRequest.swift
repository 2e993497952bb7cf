// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// The `stop` entrypoint: asks the pod's supervisor to stop, or makes it.
package struct StopRequest {
    package let pod: PodLayout
    /// Milliseconds for a pod that is starting to say who supervises it.
    package var patience = 30_000
    package init(pod: PodLayout) { self.pod = pod }

    /// - Parameter force: kill the machine instead of stopping the apps in order.
    package func send(force: Bool) throws {
        guard try awaitProcess() else { return }
        let text = try FileSystem.readText(pod.pidFile, limit: 64).filter { $0.isNumber }
        guard let pid = Int32(text), pid > 1 else {
            throw RuntimeError(.invalidState, "\(pod.pidFile) does not hold a process id")
        }
        let process: ChildProcess
        do {
            process = try ChildProcess(pid: pid)
        } catch let error as RuntimeError where error.code == .notFound {
            return
        }
        defer { process.close() }
        // The number may belong to another process by now; the lock tells whether the pod still runs.
        guard try FileLock.tryAcquire(pod.directory, .shared) == nil else { return }
        try process.signal(force ? SIGQUIT : SIGTERM)
    }

    /// - Returns: false when the pod ended before it had told its process.
    private func awaitProcess() throws -> Bool {
        let deadline = Clock.milliseconds + patience
        while !FileSystem.exists(pod.pidFile) {
            guard try FileLock.tryAcquire(pod.directory, .shared) == nil else { return false }
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
