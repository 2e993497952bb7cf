// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import SystemPackage

/// An app that is to be added to a pod while that runs, as far as it does not depend on the pod.
package struct LiveAddition: Sendable {
    /// A volume in the app.
    package struct Use: Sendable {
        package let volume: Volume
        let mount: RuntimeApp.Mount
        package let isReadOnly: Bool
    }

    /// The app as it is in the pod.
    package struct Plan: Sendable {
        package let app: RuntimeApp
        /// One for each volume that the app has.
        package let uses: [Use]
        /// Those that the pod does not have yet.
        package let newVolumes: [Volume]
        /// Volumes that begin with what the image has at their place.
        package let filled: [ACName]

        var memoryLimit: Quantity? { app.app?.isolators.memoryLimit }
    }

    private let image: ImageManifest
    private let app: RuntimeApp
    private let volumes: [Volume]
    private let mounts: [RuntimeApp.Mount]

    package var name: String { app.name.string }

    /// - Parameter volumes: as `--volume` has them.
    package init(_ request: AppRequest, id: ImageID, _ image: ImageManifest, volumes: [String]) throws {
        self.image = image
        app = try PodManifestBuilder(PodRequest()).build(request, id, image)
        let mounted = try request.mountedVolumes.map(Self.mountedVolume(parsing:))
        var all = try VolumeBinding(parsing: volumes).volumes
        for (volume, _) in mounted {
            // One volume at several places is one volume.
            if all.contains(volume) { continue }
            guard !all.contains(where: { $0.name == volume.name }) else {
                throw RuntimeError(.invalidArgument, "duplicate volume name \"\(volume.name)\"")
            }
            all.append(volume)
        }
        self.volumes = all
        mounts = try request.mounts.map(VolumeBinding.mount(parsing:)) + mounted.map(\.mount)
    }

    /// Reads `name=NAME,kind=host,source=PATH,target=PATH`; all but `target` is as in `--volume`.
    static func mountedVolume(parsing text: String) throws -> (volume: Volume, mount: RuntimeApp.Mount) {
        func wrong(_ cause: (any Error)? = nil) -> RuntimeError {
            RuntimeError(
                .invalidArgument,
                "--mnt-volume=\(text) is not valid; expected name=NAME,kind=host,source=PATH,target=PATH or "
                    + "name=NAME,kind=empty,target=PATH", cause: cause)
        }
        var parts: [Substring] = text.split(separator: ",", omittingEmptySubsequences: false)
        func take(_ key: String) throws -> String {
            guard let index = parts.firstIndex(where: { $0.hasPrefix("\(key)=") }) else { throw wrong() }
            let value = String(parts.remove(at: index).dropFirst(key.count + 1))
            guard !value.isEmpty else { throw wrong() }
            return value
        }
        let (name, target) = (try take("name"), try take("target"))
        do {
            let volume = try Volume(parsing: ([name] + parts.map(String.init)).joined(separator: ","))
            return (volume, RuntimeApp.Mount(volume: volume.name, path: target))
        } catch {
            throw wrong(error)
        }
    }

    /// Gives every mount its volume, of those that the pod has and those that come with the app.
    ///
    /// - Parameters:
    ///   - pod: as it is without the app.
    ///   - place: a number that no other app of the pod has had.
    package func plan(in pod: PodManifest, place: Int, _ notices: Notices) throws -> Plan {
        for volume in volumes {
            guard let known = pod.volumes.first(where: { $0.name == volume.name }), known != volume else { continue }
            throw RuntimeError(
                .invalidArgument,
                "volume \"\(volume.name)\" of the pod is \"\(known)\", not \"\(volume)\"; give this one another name")
        }
        let new = volumes.filter { volume in !pod.volumes.contains { $0.name == volume.name } }
        // A volume that nobody named is the app's own: another app of this name is not to have it.
        var binding = VolumeBinding(pod.volumes + new, implicitSuffix: "-\(place)")
        var app = app
        try binding.bind(&app, mounts, of: image, notices)
        let names = Set(app.mounts.map(\.volume))
        for volume in new where !names.contains(volume.name) {
            notices.warning("stage0", "app \"\(app.name)\" does not mount volume \"\(volume.name)\"; it is left out")
        }
        let points = app.app?.mountPoints ?? []
        func isReadOnly(_ mount: RuntimeApp.Mount, _ volume: Volume) -> Bool {
            let path = FilePath(inRoot: mount.path)
            let point =
                points.first { $0.name == mount.volume } ?? points.first { FilePath(inRoot: $0.path) == path }
            return volume.isReadOnly(at: point)
        }
        let uses = binding.volumes.compactMap { volume -> Use? in
            let mounts = app.mounts.filter { $0.volume == volume.name }
            guard let first = mounts.first else { return nil }
            return Use(volume: volume, mount: first, isReadOnly: mounts.allSatisfy { isReadOnly($0, volume) })
        }
        return Plan(
            app: app, uses: uses,
            newVolumes: uses.map(\.volume).filter { volume in !pod.volumes.contains { $0.name == volume.name } },
            filled: binding.filled)
    }
}
