// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// Removing apps from pods that run.
extension PodRuntime {
    /// Stops an app of a running pod and removes all of it but its journal; also what was left of one by whoever was killed.
    package func removeApp(_ name: String, in prefix: String) throws {
        // It becomes a part of paths.
        guard let name = try? ACName(parsing: name).string else { throw Self.nonexistent(name) }
        let pod = try livePod(prefix)
        let lock = try lockChanges(pod)
        defer { lock.release() }
        var manifest = try PodManifest(parsing: pod.pod.manifestBytes())
        let isKnown = pod.pod.complete(manifest).app(named: name) != nil
        guard isKnown || FileSystem.exists(pod.layout.appInfo(name)) else { throw Self.nonexistent(name) }
        if isKnown {
            notices.stage0("Removing app \(name)")
            // When that fails the app is still there, and so is everything of it.
            try call(.removeApp, name, in: pod)
        }
        let signals = HeldSignals()
        defer { signals.release() }
        if isKnown { try FileSystem.write([], to: pod.layout.appIncomplete(name)) }
        try removeRemains(of: name, from: pod, &manifest, isGone: isKnown)
    }

    /// Takes away what is left on the host of an app that nobody knows any more, and of volumes that no app has. Where there
    /// is nothing, nothing happens.
    ///
    /// - Parameters:
    ///   - manifest: as it stands in the pod's directory.
    ///   - isGone: whether stage1 knows already that the app is no more.
    func removeRemains(
        of name: String, from pod: LivePod, _ manifest: inout PodManifest, isGone: Bool = false
    ) throws {
        let layout = pod.layout
        if manifest.app(named: name) != nil {
            // It may have come far enough to be in the machine, or not: either is fine.
            if !isGone {
                do {
                    _ = try exit(of: .removeApp, name, in: pod, isQuiet: true)
                } catch let error as RuntimeError where error.code == .timeout {
                    notices.warning("stage0", "the machine may still know app \(name): \(error)")
                }
            }
            manifest.apps.removeAll { $0.name.string == name }
            manifest.volumes.removeAll { volume in
                !manifest.apps.contains { $0.mounts.contains { $0.volume == volume.name } }
            }
            try write(manifest, to: layout)
            do {
                try renewRegistration(layout, pod.uuid, manifest)
            } catch {
                notices.warning("stage0", "the metadata service still knows app \(name): \(error)")
            }
        }
        let used = Set(manifest.volumes.map(\.name.string))
        try removeVolumes(except: used, layout)
        guard FileSystem.exists(layout.appInfo(name)) else { return }
        let place = layout.place(of: name)
        try unmountRoot(of: name, layout, place: place)
        if let place {
            for path in [layout.liveLayers(name, place).directory, layout.liveCopy(name, place)] {
                try FileSystem.removeTree(path)
            }
        }
        // Somebody may have named one like that, and other apps have it.
        for volume in PodRuntime.emptyVolumesOfItsOwn(name, place: place, layout) where !used.contains(volume) {
            try removeEmptyVolume(volume, layout)
        }
        try withTree(layout) { pod in
            for path in [layout.status(name), layout.exitCause(name), layout.environment(name)] {
                pod.removeFile(path)
            }
        }
        // Last, as it says what is still to be removed.
        try FileSystem.removeTree(layout.appInfo(name))
    }

    /// Takes down volumes of the host that no app of the pod has.
    private func removeVolumes(except used: Set<String>, _ layout: PodLayout) throws {
        var attached = try LiveVolumes(reading: layout)
        for (name, place) in attached.places where !used.contains(name) {
            try unmountVolume(place, layout)
            attached.places[name] = nil
            try attached.write(to: layout)
        }
    }

    /// The volumes that were made for an app's mount points and that nobody has named. Others that begin empty are the pod's
    /// and end with it, as an app that is added later may have them.
    private static func emptyVolumesOfItsOwn(_ app: String, place: Int?, _ layout: PodLayout) -> [String] {
        guard let place, let names = try? FileSystem.list(layout.emptyVolumes) else { return [] }
        return names.filter { $0.hasPrefix("\(app)-") && $0.hasSuffix("-\(place)") }
    }
}
