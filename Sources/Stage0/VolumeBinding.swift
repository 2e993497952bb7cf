// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage

/// Gives every mount and every mount point of a pod its volume.
struct VolumeBinding {
    private(set) var volumes: [Volume]
    /// Those that begin with what the image has at their place.
    private(set) var filled: [ACName] = []
    private var implicitSuffix = ""

    /// Marks an image that was converted from Docker's format. Its users expect of a volume what Docker does with one.
    private static let dockerAnnotation = "appc.io/docker/repository"

    /// - Parameter texts: values of `--volume`.
    init(parsing texts: [String]) throws {
        volumes = try texts.map { text in
            do {
                return try Volume(parsing: text)
            } catch {
                throw RuntimeError(.invalidArgument, "--volume=\(text) is not valid", cause: error)
            }
        }
        var names: Set<ACName> = []
        for volume in volumes where !names.insert(volume.name).inserted {
            throw RuntimeError(.invalidArgument, "duplicate volume name \"\(volume.name)\"")
        }
    }

    /// - Parameter implicitSuffix: what names of volumes end with that nobody has named.
    init(_ volumes: [Volume], implicitSuffix: String = "") {
        self.volumes = volumes
        self.implicitSuffix = implicitSuffix
    }

    /// The mounts of an app: those that are asked for, then one for each of its mount points that has none yet. A mount
    /// point that no volume is named after gets an empty one.
    ///
    /// - Parameters:
    ///   - requested: the same one twice is one; two volumes at one place are refused.
    ///   - image: the app's.
    mutating func bind(
        _ app: inout RuntimeApp, _ requested: [RuntimeApp.Mount], of image: ImageManifest, _ notices: Notices
    ) throws {
        var mounts: [RuntimeApp.Mount] = []
        for mount in requested {
            let path = VolumeBinding.place(mount.path)
            guard mount.appVolume != nil || volumes.contains(where: { $0.name == mount.volume }) else {
                throw RuntimeError(
                    .invalidArgument, "dangling mount point \"\(path)\": volume \"\(mount.volume)\" not found")
            }
            if let other = mounts.first(where: { $0.path == path }) {
                guard other.volume == mount.volume, other.appVolume == mount.appVolume else {
                    throw RuntimeError(
                        .invalidArgument,
                        "app \"\(app.name)\" mounts volumes \"\(other.volume)\" and \"\(mount.volume)\" at \(path)")
                }
                continue
            }
            mounts.append(RuntimeApp.Mount(volume: mount.volume, path: path, appVolume: mount.appVolume))
        }
        for point in app.app?.mountPoints ?? [] {
            let path = VolumeBinding.place(point.path)
            guard !mounts.contains(where: { $0.path == path }) else { continue }
            var name = point.name
            if !volumes.contains(where: { $0.name == name }) {
                name = try implicitVolume(for: point, of: app)
                if image.annotation(VolumeBinding.dockerAnnotation) != nil { filled.append(name) }
                notices.warning(
                    "stage0",
                    "no volume specified for mount point \"\(point.name)\" of app \"\(app.name)\", "
                        + "implicitly creating an \"empty\" volume for it")
            }
            mounts.append(RuntimeApp.Mount(volume: name, path: path))
        }
        try VolumeBinding.checkNesting(mounts, app.name)
        app.mounts = mounts
    }

    /// A volume of the app's own, whatever its mount point is called in other apps.
    private mutating func implicitVolume(for point: MountPoint, of app: RuntimeApp) throws -> ACName {
        var name = "\(app.name)-\(point.name)\(implicitSuffix)"
        while volumes.contains(where: { $0.name.string == name }) { name += "-implicit" }
        let volume = Volume(name: try ACName(parsing: name), kind: .emptyDefault)
        volumes.append(volume)
        return volume.name
    }

    /// What the pod's manifest says of its volumes.
    func describe(in manifest: inout PodManifest) {
        manifest.volumes = volumes
        guard !filled.isEmpty else { return }
        manifest.annotations.set(PodAnnotation.filledVolumes, filled.map(\.string).joined(separator: ","))
    }

    private static func checkNesting(_ mounts: [RuntimeApp.Mount], _ app: ACName) throws {
        for outer in mounts {
            guard outer.path != "/" else {
                throw RuntimeError(
                    .invalidArgument, "app \"\(app)\" mounts volume \"\(outer.volume)\" over its whole root")
            }
            if let inner = mounts.first(where: { $0.path != outer.path && $0.path.hasPrefix(outer.path + "/") }) {
                throw RuntimeError(
                    .invalidArgument,
                    "app \"\(app)\" mounts volume \"\(inner.volume)\" at \(inner.path), inside volume "
                        + "\"\(outer.volume)\" at \(outer.path)")
            }
        }
    }

    /// An absolute path without `.`, `..` and doubled slashes; `..` ends at the root.
    static func place(_ path: String) -> String {
        FilePath(inRoot: path).string
    }

    /// Reads `volume=NAME,target=PATH`.
    static func mount(parsing text: String) throws -> RuntimeApp.Mount {
        var values: [String: String] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2, ["volume", "target"].contains(pair[0]), values[pair[0]] == nil else {
                throw RuntimeError(.invalidArgument, "--mount=\(text) is not valid; expected volume=NAME,target=PATH")
            }
            values[pair[0]] = pair[1]
        }
        guard let name = values["volume"], let target = values["target"] else {
            throw RuntimeError(.invalidArgument, "--mount=\(text) is not valid; expected volume=NAME,target=PATH")
        }
        do {
            return RuntimeApp.Mount(volume: try ACName(parsing: name), path: target)
        } catch {
            throw RuntimeError(.invalidArgument, "--mount=\(text) is not valid", cause: error)
        }
    }
}
