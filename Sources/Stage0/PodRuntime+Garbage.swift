// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import MetadataRegistration
import PodJournal
import PodStore
import SystemPackage

extension PodRuntime {
    /// Marks pods that have ended and removes those marked long enough ago. One pod's failure does not stop the others.
    package func collectGarbage(_ policy: GarbagePolicy, report: (GarbageEvent) -> Void) throws {
        try pods.makeDirectories()
        for pod in try pods.pods(in: [.embryo, .prepare, .prepared, .run]) {
            guard let changed = changeTime(of: pod),
                policy.marks(pod.state, changedAt: changed, now: Clock.wallNanoseconds)
            else { continue }
            do {
                guard let handle = try pods.claim(pod, patience: PodStore.lookPatience) else { continue }
                let marked = try handle.mark()
                // File systems of the host are not to be kept busy by a pod that waits for its removal.
                if FileSystem.exists(marked.layout.live) { try? unmountAll(beneath: marked.layout.live) }
                // Its journal can still be read.
                try? JournalLink(machineID: pod.uuid.withoutDashes).follow(to: marked.layout.journal)
                marked.release()
                switch pod.phase {
                case .run: report(.markedExited(pod.uuid))
                case .prepared: report(.markedExpired(pod.uuid))
                default: report(.markedAborted(pod.uuid))
                }
            } catch let error as RuntimeError where error.code == .notFound {
                // Somebody else has moved it.
                continue
            } catch {
                report(.failed(pod.uuid, error))
            }
        }
        var metadata = RegistrationClient()
        for pod in try pods.pods(in: [.exitedGarbage, .garbage]) {
            guard let changed = changeTime(of: pod),
                policy.sweeps(pod.state, changedAt: changed, now: Clock.wallNanoseconds)
            else { continue }
            do {
                guard let handle = try pods.claim(pod, patience: PodStore.lookPatience) else { continue }
                report(.collecting(pod.uuid))
                try collect(handle, &metadata)
            } catch {
                report(.failed(pod.uuid, error))
            }
        }
    }

    /// Removes one pod at once, unless it runs or is being prepared.
    ///
    /// - Returns: its UUID.
    package func remove(_ prefix: String) throws -> PodUUID {
        let uuid = try pods.find(prefix).uuid
        // Whoever asks for a pod's state holds its lock for a moment.
        let deadline = Clock.milliseconds + 2000
        var backoff = Backoff()
        repeat {
            guard let pod = pods.pod(uuid) else { return uuid }
            switch pod.state {
            case .running: throw RuntimeError(.busy, "pod \"\(uuid)\" is currently running")
            case .embryo, .preparing: throw RuntimeError(.busy, "pod \"\(uuid)\" is currently being prepared")
            case .exitedDeleting, .deleting: break
            case .abortedPrepare, .prepared, .exited, .exitedGarbage, .garbage:
                if let handle = try pods.claim(pod) {
                    let isMarked = pod.phase == .exitedGarbage || pod.phase == .garbage
                    var metadata = RegistrationClient()
                    try collect(isMarked ? handle : handle.mark(), &metadata)
                    return uuid
                }
            }
        } while backoff.pause(until: deadline)
        throw RuntimeError(.busy, "pod \"\(uuid)\" is being deleted by somebody else")
    }

    private func changeTime(of pod: Pod) -> Int64? { (try? FileSystem.status(pod.layout.directory))?.changeTime }

    /// Undoes what stage1 did on the host, unmounts the pod's roots and removes its directory.
    private func collect(_ pod: consuming PodHandle, _ metadata: inout RegistrationClient) throws {
        let changes = try lockChanges(pod.layout, pod.uuid, patience: PodStore.lookPatience)
        defer { changes?.release() }
        endRegistration(pod.layout, pod.uuid, &metadata)
        if pod.phase == .exitedGarbage { try runCollectEntrypoint(pod.layout, pod.uuid) }
        try unmountAll(pod.layout)
        try removeJournalLink(pod.uuid)
        try pod.remove()
    }

    /// Whatever made the link, a removed pod has none.
    private func removeJournalLink(_ uuid: PodUUID) throws {
        try JournalLink(machineID: uuid.withoutDashes).remove()
    }

    /// Stage1 may be damaged or from somebody else: its failure is told, and the pod is removed all the same. One whose
    /// networks are still noted is kept, or nobody would know any more what to undo. So is one with user ids of its own
    /// that stage1 says something is left of: its processes may still be there, and another pod would get their ids.
    ///
    /// - Throws: when the pod has to be kept.
    func runCollectEntrypoint(_ layout: PodLayout, _ uuid: PodUUID) throws {
        var reason = "its stage1 has no program for that"
        var leavesUsers = false
        do {
            if let exit = try spawnCollectEntrypoint(layout, uuid) {
                let isKept = FileSystem.exists(layout.networkJournal)
                guard exit != .exited(0) || isKept else { return }
                if case .exited(let status) = exit, status != 0, isKept { throw CollectFailure(uuid: uuid) }
                reason = "the gc entrypoint of pod \"\(uuid)\" ended with \(exit)"
                leavesUsers = !isKept && FileSystem.exists(layout.users)
                if !isKept, !leavesUsers { notices.write("stage0", reason) }
            }
        } catch let error as CollectFailure {
            throw error
        } catch {
            reason = "cannot run the gc entrypoint of pod \"\(uuid)\": \(error)"
            if !FileSystem.exists(layout.networkJournal) { notices.write("stage0", reason) }
        }
        guard !leavesUsers else {
            throw RuntimeError(
                .invalidState,
                "pod \"\(uuid)\" is kept, as its processes may be left, and with them its user ids: \(reason); run `rkt gc` "
                    + "again, or remove \"\(layout.users)\" to have rkt give the ids away")
        }
        guard FileSystem.exists(layout.networkJournal) else { return }
        throw RuntimeError(
            .invalidState,
            "pod \"\(uuid)\" is kept, as it has not left its networks: \(reason); mend that and run `rkt gc` again, or "
                + "remove \"\(layout.networkJournal)\" to have rkt forget what is left")
    }

    /// - Returns: nil when there is no such entrypoint.
    private func spawnCollectEntrypoint(_ layout: PodLayout, _ uuid: PodUUID) throws -> ProcessExit? {
        guard FileSystem.exists(layout.stage1Manifest) else { return nil }
        let interface = try Stage1Interface(ImageManifest(parsing: FileSystem.read(layout.stage1Manifest)))
        guard let entrypoint = interface.path(.gc) else { return nil }
        var call = EntrypointCall(layout: layout)
        if !FileSystem.exists(layout.stage1Rootfs.appending(entrypoint)) {
            // Its overlay is gone, after a reboot for instance; the tree below still has the program.
            guard let tree = try? treeDirectory(layout.stage1TreeID) else { return nil }
            call.root = tree.appending("rootfs")
            guard FileSystem.exists(call.root.appending(entrypoint)) else { return nil }
        }
        let arguments = interface.collectArguments(
            isDebug: settings.isDebug, localConfiguration: settings.localConfiguration.string, uuid: uuid)
        // Two must not do it at a time, and the pod's lock goes with this program.
        return try call.spawn(entrypoint, arguments, readsInput: false, diesWithCaller: true)
    }
}

/// Stage1 could not undo what it did for a pod on the host, and has told the user what is left.
package struct CollectFailure: Error, CustomStringConvertible {
    package let uuid: PodUUID

    package var description: String { "pod \"\(uuid)\" is kept, as its stage1 could not undo what it did on the host" }
}
