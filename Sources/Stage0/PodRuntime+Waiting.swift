// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore

/// What `wait` waits for.
package enum WaitGoal: Sendable {
    /// The pod has ended, or will never run.
    case ended
    /// The pod's apps were started.
    case ready
}

extension PodRuntime {
    /// Waits for a pod.
    ///
    /// - Parameter timeout: milliseconds; nil waits without end.
    /// - Throws: code `timeout` when the time is over; code `invalidState` when the goal cannot be reached any more.
    package func wait(for prefix: String, until goal: WaitGoal, timeout: Int? = nil) throws {
        let uuid = try pods.find(prefix).uuid
        let deadline = timeout.map { Clock.milliseconds + $0 }
        do {
            switch goal {
            case .ended: try waitForEnd(of: uuid, deadline)
            case .ready: try waitForReadiness(of: uuid, deadline)
            }
        } catch let error as RuntimeError {
            let what = goal == .ready ? "error waiting for pod readiness" : "error waiting for pod to exit"
            throw RuntimeError(error.code, what, cause: error)
        }
    }

    private func waitForEnd(of uuid: PodUUID, _ deadline: Int?) throws {
        var backoff = Backoff()
        while let pod = pods.pod(uuid) {
            switch pod.state {
            case .abortedPrepare, .exited, .exitedDeleting, .exitedGarbage, .deleting, .garbage: return
            case .preparing, .running:
                guard try pods.waitForExit(of: pod, deadline: deadline) else { throw PodRuntime.timedOut(uuid) }
            case .embryo, .prepared:
                guard backoff.pause(until: deadline) else { throw PodRuntime.timedOut(uuid) }
            }
        }
    }

    private func waitForReadiness(of uuid: PodUUID, _ deadline: Int?) throws {
        var backoff = Backoff()
        while let pod = pods.pod(uuid) {
            switch pod.state {
            case .running: if pod.isReady { return }
            case .embryo, .preparing, .prepared: break
            case .abortedPrepare, .exited, .exitedDeleting, .exitedGarbage, .deleting, .garbage:
                // It may have been ready and over before anybody looked.
                if pod.isReady { return }
                throw RuntimeError(.invalidState, "pod \"\(uuid)\" is in state \"\(pod.state)\"")
            }
            guard backoff.pause(until: deadline) else { throw PodRuntime.timedOut(uuid) }
        }
        throw RuntimeError(.notFound, "pod \"\(uuid)\" has been removed")
    }

    private static func timedOut(_ uuid: PodUUID) -> RuntimeError {
        RuntimeError(.timeout, "timed out waiting for pod \"\(uuid)\"")
    }
}
