// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import Hypervisor
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

/// Mounts of a pod that apps are added to. A server of the machine's files sees mounts that are made after its start only
/// where the mount below them is shared (mount_namespaces(7)).
extension PodRuntime {
    /// Lets what is mounted later in a pod's directory appear in its machine. Its roots are mounted already.
    func shareMounts(_ layout: PodLayout) throws {
        try FileSystem.makeDirectories(layout.apps)
        var directories = [layout.live]
        // An overlay and a mapped copy are mounts; a plain copy is none yet.
        if try Mount.points(beneath: layout.stage1Rootfs).isEmpty { directories.append(layout.stage1Rootfs) }
        for directory in directories { try Mount.bind(directory, directory) }
        for directory in [layout.live, layout.stage1Rootfs] { try Mount.makeShared(directory) }
    }

    /// Makes the root of an app and shows it where everyone expects it, and at the place that the machine is told.
    func mountRoot(of app: String, _ tree: RenderedTree, _ layout: PodLayout, place: Int) throws {
        let owners = try layout.readUsers().map { try OwnerMap($0, admitsRoot: true) }
        defer { owners?.close() }
        let label = try PodLabels.read(layout.labels)?.file
        var root = layout.appStaging(app)
        defer { try? Mount.unmount(root, detach: true) }
        if FileSystem.exists(layout.overlay) {
            try FileSystem.makeDirectory(root)
            let layers = layout.liveLayers(app, place)
            try Overlay.makeLayers(layers, over: tree.rootfs)
            try Overlay.mount(lower: tree.rootfs, layers, at: root, owners, label: label)
        } else {
            let copy = layout.liveCopy(app, place)
            try FileSystem.makeDirectories(copy.removingLastComponent(), mode: 0o700)
            try TreeCopy.copy(tree.rootfs, to: copy)
            if let label { try FileLabel.set(label, onTree: copy) }
            if let owners {
                try FileSystem.makeDirectory(root)
                try MappedMount.attach(copy, at: root, owners)
            } else {
                root = copy
            }
        }
        try withTree(layout) { pod in
            let path = layout.appRootfs(app)
            for directory in [path.removingLastComponent(), layout.appRootPlace(place).removingLastComponent()] {
                try pod.directory(directory).close()
            }
            for target in [try pod.directory(path), try pod.newDirectory(layout.appRootPlace(place))] {
                defer { try? target.close() }
                try attach(root, to: target)
            }
        }
    }

    /// Shows a volume of the host at its place.
    ///
    /// - Parameter allowsDevices: whether something else than the mount decides which devices apps may use.
    func mount(
        _ source: FilePath, _ volume: LiveVolumes.Place, isRecursive: Bool, allowsDevices: Bool, _ layout: PodLayout
    ) throws {
        var flags: MountFlags = [.noSetUserID]
        if !allowsDevices { flags.insert(.noDevices) }
        if volume.isReadOnly { flags.insert(.readOnly) }
        // Users of the pod have the same numbers in its volumes as on the host, as in other pods.
        let owners = try layout.readUsers().map { try OwnerMap($0, admitsRoot: false) }
        defer { owners?.close() }
        try withTree(layout) { pod in
            var target = try pod.newDirectory(layout.liveVolume(volume.place))
            if volume.kind == .file {
                try? target.close()
                target = try pod.newFile(layout.liveFile(volume.place))
            }
            defer { try? target.close() }
            try attach(source, to: target, flags, owners, isRecursive: isRecursive)
        }
    }

    /// Shows a directory of the host's, in which the pod's users have their own ids, as a volume that begins empty; one that
    /// is shown stays so.
    func mountEmptyVolume(_ name: String, _ directory: FilePath, _ layout: PodLayout) throws {
        let owners = try layout.readUsers().map { try OwnerMap($0, admitsRoot: false) }
        defer { owners?.close() }
        try withTree(layout) { pod in
            let path = layout.emptyVolume(name)
            try pod.directory(path.removingLastComponent()).close()
            let target = try pod.directory(path)
            defer { try? target.close() }
            let (shown, status) = (try FileSystem.status(of: target), try FileSystem.status(directory))
            guard shown.inode != status.inode || shown.device != status.device else { return }
            try attach(directory, to: target, [], owners)
        }
    }

    func withTree<Result>(_ layout: PodLayout, _ body: (GuardedTree) throws -> Result) throws -> Result {
        // What root of the host makes here belongs to nobody in a pod with users of its own, who has to pass through it.
        let mask = umask(0o022)
        defer { umask(mask) }
        let tree = try GuardedTree(layout.directory)
        defer { tree.close() }
        return try body(tree)
    }

    private func attach(
        _ source: FilePath, to target: FileDescriptor, _ flags: MountFlags = [], _ owners: OwnerMap? = nil,
        isRecursive: Bool = false
    ) throws {
        let copy = try MountCopy(of: source, isRecursive: isRecursive)
        do {
            if let owners { try copy.mapOwners(owners, isRecursive: isRecursive, source) }
            try copy.setApart(flags)
        } catch {
            copy.close()
            throw error
        }
        try copy.attach(to: target)
    }

    /// Makes sure that what has just been mounted is also where the machine runs.
    func checkIsSeen(_ app: String, place: Int, in pod: LivePod) throws {
        let point = pod.layout.appRootPlace(place)
        // The machine may change what is below this.
        guard let base = try? Mount.realPath(pod.layout.apps), var rest = Optional(point),
            rest.removePrefix(pod.layout.apps), try Mount.points(seenBy: pod.supervisor).contains(base.pushing(rest))
        else {
            throw RuntimeError(
                .invalidState,
                "the pod was started in another mount namespace; run this command there, as with \"nsenter --mount --target "
                    + "\(pod.supervisor)\"")
        }
    }

    /// Takes an app's root down. It may be in use, then it goes when its last user lets go of it.
    func unmountRoot(of app: String, _ layout: PodLayout, place: Int?) throws {
        try unmountAll(beneath: layout.appStaging(app))
        try withTree(layout) { pod in
            let root = layout.appRootfs(app)
            for path in (place.map { [layout.appRootPlace($0)] } ?? []) + [root] {
                try pod.detach(path)
                // One that is in use elsewhere stays until the pod is removed.
                pod.removeDirectory(path)
            }
            pod.removeDirectory(root.removingLastComponent())
        }
    }

    /// Takes a volume of the host down, in the same manner.
    func unmountVolume(_ volume: LiveVolumes.Place, _ layout: PodLayout) throws {
        try withTree(layout) { pod in
            switch volume.kind {
            case .directory: try pod.detach(layout.liveVolume(volume.place))
            case .file:
                try pod.detach(layout.liveFile(volume.place))
                pod.removeFile(layout.liveFile(volume.place))
            }
            pod.removeDirectory(layout.liveVolume(volume.place))
        }
    }

    /// Removes a volume that began empty.
    func removeEmptyVolume(_ name: String, _ layout: PodLayout) throws {
        try withTree(layout) { pod in
            try pod.detach(layout.emptyVolume(name))
            pod.removeDirectory(layout.emptyVolume(name))
        }
        try FileSystem.removeTree(layout.emptyVolumes.appending(name))
    }
}
