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
    package init(pod: PodLayout) { self.pod = pod }

    /// - Parameter force: kill the machine instead of stopping the apps in order.
    package func send(force: Bool) throws {
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
}
