// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The six directories below `pods/`; a pod's phase is the one it is in.
///
/// A pod only ever moves forward in this order.
package enum PodPhase: String, Sendable, CaseIterable {
    case embryo
    case prepare
    case prepared
    case run
    case exitedGarbage = "exited-garbage"
    case garbage

    /// What the phase means together with the lock on the pod's directory.
    package func state(isLocked: Bool) -> PodState {
        switch self {
        case .embryo: .embryo
        case .prepare: isLocked ? .preparing : .abortedPrepare
        case .prepared: .prepared
        case .run: isLocked ? .running : .exited
        case .exitedGarbage: isLocked ? .exitedDeleting : .exitedGarbage
        case .garbage: isLocked ? .deleting : .garbage
        }
    }

    /// Whether the lock says anything in this phase.
    package var isProcessBound: Bool { self != .embryo && self != .prepared }
}

/// The ten states of a pod: its phase and whether a process holds its lock.
///
/// What is read is a sample: the pod may have moved on by the time it is looked at.
package enum PodState: Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// The directory was just made.
    case embryo
    case preparing
    /// Preparing failed or was interrupted.
    case abortedPrepare
    case prepared
    case running
    case exited
    /// An exited pod that is being removed.
    case exitedDeleting
    /// An exited pod that waits for its removal.
    case exitedGarbage
    /// A pod that never ran and is being removed.
    case deleting
    /// A pod that never ran and waits for its removal.
    case garbage

    /// The word `list` and `status` show; both kinds of removal read alike.
    package var description: String {
        switch self {
        case .embryo: "embryo"
        case .preparing: "preparing"
        case .abortedPrepare: "aborted prepare"
        case .prepared: "prepared"
        case .running: "running"
        case .exited: "exited"
        case .exitedDeleting, .deleting: "deleting"
        case .exitedGarbage: "exited garbage"
        case .garbage: "garbage"
        }
    }

    /// Whether the pod has run and ended.
    package var hasExited: Bool { self == .exited || self == .exitedDeleting || self == .exitedGarbage }

    /// Whether the pod has been started at some time.
    package var hasRun: Bool { self == .running || hasExited }
}
