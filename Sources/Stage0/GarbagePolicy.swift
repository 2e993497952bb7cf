// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import PodStore

/// When pods are collected. Durations are nanoseconds.
package struct GarbagePolicy: Sendable {
    /// How long an exited pod can still be asked for its status after it was marked.
    package var gracePeriod: Int64 = 30 * 60 * 1_000_000_000
    /// How long a prepared pod may wait for its start.
    package var expirePrepared: Int64 = 24 * 60 * 60 * 1_000_000_000
    package var markOnly = false
    /// An embryo lives for a moment; one this old has lost its maker.
    static let embryoLifetime: Int64 = 60 * 1_000_000_000

    package init() {}

    /// Whether a pod is to be marked for removal.
    ///
    /// - Parameter changedAt: the change time of its directory, which every transition sets.
    package func marks(_ state: PodState, changedAt: Int64, now: Int64) -> Bool {
        let age = now - changedAt
        return switch state {
        case .exited, .abortedPrepare: true
        case .prepared: age >= expirePrepared
        case .embryo: age >= GarbagePolicy.embryoLifetime
        case .preparing, .running, .exitedDeleting, .exitedGarbage, .deleting, .garbage: false
        }
    }

    /// Whether a marked pod is to be removed. One that never ran has no status worth waiting for.
    package func sweeps(_ state: PodState, changedAt: Int64, now: Int64) -> Bool {
        guard !markOnly else { return false }
        return switch state {
        case .exitedGarbage: now - changedAt >= gracePeriod
        case .garbage: true
        case .embryo, .preparing, .abortedPrepare, .prepared, .running, .exited, .exitedDeleting, .deleting: false
        }
    }
}

/// One step of a collection, for the user.
package enum GarbageEvent: Sendable {
    case markedExited(PodUUID)
    case markedAborted(PodUUID)
    /// A prepared pod that was not started in time.
    case markedExpired(PodUUID)
    case collecting(PodUUID)
    /// The pod stays and is tried again the next time.
    case failed(PodUUID, any Error)
}
