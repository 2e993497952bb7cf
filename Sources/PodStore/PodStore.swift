// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import SystemPackage

/// The pods of a data directory: a pod's phase is the directory it is in, its liveness a lock on that directory.
package struct PodStore: Sendable {
    /// `pods` below the data directory.
    package let directory: FilePath

    package init(dataDirectory: FilePath) {
        directory = dataDirectory.appending("pods")
    }

    package func directory(of phase: PodPhase) -> FilePath { directory.appending(phase.rawValue) }

    package func layout(of uuid: PodUUID, in phase: PodPhase) -> PodLayout {
        PodLayout(directory: directory(of: phase).appending(uuid.description))
    }

    /// Members of the data directory's group look at pods; what is in their directories gets that group.
    private static let mode: UInt32 = 0o2750

    /// Makes the six directories where they are missing; existing ones are used as they are.
    package func makeDirectories() throws {
        try SharedDirectory.makeDataDirectory(directory.removingLastComponent())
        try SharedDirectory.make(directory, mode: PodStore.mode)
        for phase in PodPhase.allCases { try SharedDirectory.make(directory(of: phase), mode: PodStore.mode) }
    }

    /// Makes a new pod and takes it to the prepare phase, locked.
    package func create(_ uuid: PodUUID = PodUUID()) throws -> PodHandle {
        try makeDirectories()
        let embryo = layout(of: uuid, in: .embryo).directory
        try FileSystem.makeDirectory(embryo, mode: 0o750)
        try SharedDirectory.setMode(PodStore.mode, of: embryo)
        guard let lock = try FileLock.tryAcquire(embryo, .exclusive) else {
            throw RuntimeError(.busy, "pod \"\(uuid)\" is used by somebody else")
        }
        try FileSystem.rename(embryo, to: layout(of: uuid, in: .prepare).directory, replace: false)
        return PodHandle(uuid: uuid, phase: .prepare, store: self, lock: lock)
    }

    // MARK: - Finding

    /// All pods in the given phases, sorted by UUID. A missing directory holds none; a pod that goes away meanwhile is
    /// left out.
    package func pods(in phases: [PodPhase] = PodPhase.allCases) throws -> [Pod] {
        var found: [PodUUID: PodPhase] = [:]
        for phase in phases {
            for uuid in try identifiers(in: phase) { found[uuid] = phase }
        }
        return found.keys.sorted().compactMap { uuid in
            found[uuid].flatMap { sample(uuid, in: $0) ?? pod(uuid) }.flatMap { phases.contains($0.phase) ? $0 : nil }
        }
    }

    /// The pod with this UUID, or nil.
    package func pod(_ uuid: PodUUID) -> Pod? {
        // A pod moves forward in the order of the phases, so one pass misses it only if it moves while its directory is
        // being probed.
        for _ in 0..<PodPhase.allCases.count {
            for phase in PodPhase.allCases {
                if let pod = sample(uuid, in: phase) { return pod }
            }
            guard PodPhase.allCases.contains(where: { FileSystem.exists(layout(of: uuid, in: $0).directory) }) else {
                return nil
            }
        }
        return nil
    }

    /// The one pod whose UUID begins with the given text.
    ///
    /// - Throws: `UUID cannot be empty`, `no matches found for "…"`, or an error that lists the matches.
    package func find(_ prefix: String) throws -> Pod {
        guard !prefix.isEmpty else { throw RuntimeError(.invalidArgument, "UUID cannot be empty") }
        let wanted = prefix.lowercased()
        var matches: Set<String> = []
        var found: [PodUUID] = []
        for phase in PodPhase.allCases {
            for uuid in try identifiers(in: phase) where uuid.description.hasPrefix(wanted) {
                if matches.insert(uuid.description).inserted { found.append(uuid) }
            }
        }
        guard found.count < 2 else {
            let list = matches.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
            throw RuntimeError(.invalidArgument, "ambiguous UUID \"\(prefix)\": it matches \(list)")
        }
        guard let uuid = found.first, let pod = pod(uuid) else {
            throw RuntimeError(.notFound, "no matches found for \"\(prefix)\"")
        }
        return pod
    }

    private func identifiers(in phase: PodPhase) throws -> [PodUUID] {
        let names: [String]
        do {
            names = try FileSystem.list(directory(of: phase))
        } catch let error as RuntimeError where error.code == .notFound {
            return []
        }
        // Only the canonical form names a pod: parsing is more lenient than that.
        return names.compactMap { name in
            (try? PodUUID(parsing: name)).flatMap { $0.description == name ? $0 : nil }
        }
    }

    /// The pod if it is in this phase; whoever may not lock its directory is told that it is not locked.
    private func sample(_ uuid: PodUUID, in phase: PodPhase) -> Pod? {
        let layout = layout(of: uuid, in: phase)
        guard FileSystem.exists(layout.directory) else { return nil }
        var isLocked = false
        if phase.isProcessBound {
            do {
                let probe = try FileLock.tryAcquire(layout.directory, .shared)
                isLocked = probe == nil
                probe?.release()
            } catch let error as RuntimeError where error.code == .notFound {
                return nil
            } catch {
                isLocked = false
            }
        }
        return Pod(uuid: uuid, phase: phase, state: phase.state(isLocked: isLocked), layout: layout)
    }

    // MARK: - Taking possession

    /// Locks a pod's directory exclusively, or returns nil when somebody else holds it or has moved or removed the pod.
    package func claim(_ pod: Pod) throws -> PodHandle? {
        let lock: FileLock?
        do {
            lock = try FileLock.tryAcquire(pod.layout.directory, .exclusive)
        } catch let error as RuntimeError where error.code == .notFound {
            return nil
        }
        guard let lock, isStillThere(pod, lock) else { return nil }
        return PodHandle(uuid: pod.uuid, phase: pod.phase, store: self, lock: lock)
    }

    /// The same, but waits for those who look at the pod: to ask for its state is to hold its lock for a moment.
    ///
    /// - Parameter patience: milliseconds.
    /// - Returns: nil when somebody else keeps it, or has moved or removed it.
    package func claim(_ pod: Pod, patience: Int) throws -> PodHandle? {
        let deadline = Clock.milliseconds + patience
        var backoff = Backoff()
        repeat {
            if let handle = try claim(pod) { return handle }
            // A lock that excludes others is no look.
            guard let now = self.pod(pod.uuid), now.phase == pod.phase, now.state == pod.state else { return nil }
        } while backoff.pause(until: deadline)
        return nil
    }

    /// Milliseconds that looks at a pod are waited for.
    package static let lookPatience = 2000

    /// Keeps a pod that has ended where it is: until the lock is released nobody can remove it.
    ///
    /// - Returns: nil when the pod is busy or has moved.
    package func hold(_ pod: Pod) throws -> FileLock? {
        do {
            guard let lock = try FileLock.tryAcquire(pod.layout.directory, .shared), isStillThere(pod, lock) else {
                return nil
            }
            return lock
        } catch let error as RuntimeError where error.code == .notFound {
            return nil
        }
    }

    /// The pod may have moved between the opening of its directory and the locking.
    private func isStillThere(_ pod: Pod, _ lock: FileLock) -> Bool {
        guard let held = try? FileSystem.status(of: lock.descriptor),
            let found = try? FileSystem.status(pod.layout.directory)
        else { return false }
        return held.inode == found.inode && held.device == found.device
    }

    // MARK: - Waiting

    /// Waits until a pod that runs, or is being prepared, is let go by its process.
    ///
    /// - Parameter deadline: by `Clock.milliseconds`; nil waits without end.
    /// - Returns: false when the deadline passed first.
    package func waitForExit(of pod: Pod, deadline: Int? = nil) throws -> Bool {
        guard let deadline else {
            do {
                try FileLock.acquire(pod.layout.directory, .shared).release()
            } catch let error as RuntimeError where error.code == .notFound {
                // It has moved on, which a running pod cannot do.
            }
            return true
        }
        var backoff = Backoff()
        while self.pod(pod.uuid)?.state == pod.state {
            guard backoff.pause(until: deadline) else { return false }
        }
        return true
    }
}
