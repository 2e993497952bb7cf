// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import RktAPI
import Stage0
import SystemPackage

/// Looks at pods and images whenever something may have changed, and tells what has.
package struct Watcher {
    private let source: PodSource
    private let watch: DataDirectoryWatch
    /// What the last look has found.
    package private(set) var snapshot = Snapshot()
    /// Whether pods and images have been seen: what the first look finds that sees them is nothing new.
    private var hasSeen = (pods: false, images: false)
    private var names = ImageNames()
    /// Why the last look did not see everything; nil when it did.
    package private(set) var failure: (any Error)?

    /// Begins to watch, and looks for the first time: what is there then is nothing new.
    package init(_ source: PodSource) throws {
        self.source = source
        watch = try DataDirectoryWatch(dataDirectory: source.runtime.settings.dataDirectory)
        _ = look(.all)
        try updateWatches()
    }

    /// Waits until something may have changed and looks.
    ///
    /// - Parameter timeout: milliseconds; nil waits without end.
    /// - Returns: what has happened, in its order.
    package mutating func next(timeout: Int? = nil) throws -> [V1alpha_Event] {
        let longest = failure == nil ? timeout : min(timeout ?? .max, DataDirectoryWatch.revisit)
        var touched = try watch.wait(timeout: longest)
        if failure != nil { touched.everything = true }
        guard !touched.isEmpty else { return [] }
        let events = look(touched)
        try updateWatches()
        return events
    }

    private func updateWatches() throws {
        try watch.update(
            pods: snapshot.pods.filter { $0.value.state == .running }.keys.sorted().map { uuid in
                Pod(
                    uuid: uuid, phase: .run, state: .running,
                    layout: source.runtime.pods.layout(of: uuid, in: .run))
            })
    }

    private mutating func look(_ touched: Touched) -> [V1alpha_Event] {
        var (before, now) = (snapshot, snapshot)
        failure = nil
        names = ImageNames()
        do {
            if touched.everything {
                var pods: [PodUUID: PodLook] = [:]
                for pod in try source.runtime.pods.pods() { pods[pod.uuid] = look(at: pod) }
                now.pods = pods
                if !hasSeen.pods { before.pods = pods }
                hasSeen.pods = true
            } else {
                for uuid in touched.pods { now.pods[uuid] = source.runtime.pods.pod(uuid).map { look(at: $0) } }
            }
            if touched.everything || touched.images {
                now.images = try source.imageNames()
                if !hasSeen.images { before.images = now.images }
                hasSeen.images = true
            }
        } catch {
            failure = error
        }
        let events = now.events(since: before, at: Clock.wallNanoseconds / 1_000_000_000)
        snapshot = now
        return events
    }

    private mutating func look(at pod: Pod) -> PodLook {
        // It may have gone to its next phase while its lock was tried, which then says nothing.
        var pod =
            pod.state == .abortedPrepare && snapshot.pods[pod.uuid]?.state != .abortedPrepare
            ? source.runtime.pods.pod(pod.uuid) ?? pod : pod
        var look = source.look(at: pod, &names)
        // What was read while it moved to another directory may lack anything, which would be told as new once more.
        for _ in PodPhase.allCases where !FileSystem.exists(pod.layout.directory) {
            guard let moved = source.runtime.pods.pod(pod.uuid) else { break }
            pod = moved
            look = source.look(at: pod, &names)
        }
        return look
    }
}
