// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// A pod as it was found: where it is, and in which state it was at that moment.
package struct Pod: Sendable, Hashable {
    package let uuid: PodUUID
    package let phase: PodPhase
    package let state: PodState
    package let layout: PodLayout

    package init(uuid: PodUUID, phase: PodPhase, state: PodState, layout: PodLayout) {
        self.uuid = uuid
        self.phase = phase
        self.state = state
        self.layout = layout
    }
}

/// Exclusive possession of a pod's directory: the right to take it to its next phase.
///
/// Every transition uses the handle up. Whoever drops it, or dies, gives the lock back.
package struct PodHandle: ~Copyable {
    package let uuid: PodUUID
    package let phase: PodPhase
    package let layout: PodLayout
    private let store: PodStore
    private let lock: FileLock

    init(uuid: PodUUID, phase: PodPhase, store: PodStore, lock: FileLock) {
        self.uuid = uuid
        self.phase = phase
        self.layout = store.layout(of: uuid, in: phase)
        self.store = store
        self.lock = lock
    }

    /// The number of the descriptor that holds the lock, as `RKT_LOCK_FD` tells it.
    package var lockDescriptor: Int32 { lock.descriptor.rawValue }

    /// Lets a program that replaces this one inherit the lock.
    package func keepLockOnExec() throws { try lock.keepOnExec() }

    /// Ends the preparation: the pod waits, unlocked, for `run-prepared`.
    package consuming func finishPreparing() throws {
        let moved = try move(from: [.prepare], to: .prepared)
        moved.lock.release()
    }

    /// Enters the run phase, still locked.
    ///
    /// - Throws: code `notFound` when somebody else has moved the pod.
    package consuming func run() throws -> PodHandle { try move(from: [.prepare, .prepared], to: .run) }

    /// Marks a pod for removal, still locked: one that ran becomes exited garbage, any other garbage.
    ///
    /// - Throws: code `notFound` when somebody else has moved the pod.
    package consuming func mark() throws -> PodHandle {
        let target: PodPhase = phase == .run ? .exitedGarbage : .garbage
        return try move(from: [.embryo, .prepare, .prepared, .run], to: target)
    }

    /// Removes the directory. Everything mounted below it must be gone; a directory that is gone already is fine.
    package consuming func remove() throws {
        // The lock stays until the end: an interrupted removal is seen as garbage and taken up again.
        try FileSystem.removeTree(layout.directory)
        lock.release()
    }

    /// Gives the lock back and leaves the pod where it is.
    package consuming func release() { lock.release() }

    private consuming func move(from allowed: [PodPhase], to target: PodPhase) throws -> PodHandle {
        guard allowed.contains(phase) else {
            throw RuntimeError(.invalidState, "pod \"\(uuid)\" cannot go from \(phase.rawValue) to \(target.rawValue)")
        }
        try FileSystem.rename(layout.directory, to: store.layout(of: uuid, in: target).directory, replace: false)
        return PodHandle(uuid: uuid, phase: target, store: store, lock: lock)
    }
}
