// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

/// Adding apps to pods that run.
extension PodRuntime {
    /// Puts an image of the store into a running pod as an app, which is not started. When it throws, nothing of it is left;
    /// when it is killed, the next one that adds an app of this name, or removes it, takes away what is.
    ///
    /// - Parameter volumes: as `--volume` has them.
    package func addApp(_ request: AppRequest, to prefix: String, volumes: [String]) throws {
        try PodRequestRules.check(request)
        guard request.signature == nil else {
            throw RuntimeError(
                .invalidArgument,
                "--signature=\(request.signature ?? "") cannot be used: image \"\(request.image)\" is taken from the store, "
                    + "and \"rkt fetch\" verifies what comes there")
        }
        guard !AppStream.needTerminal(request) else {
            throw RuntimeError(
                .unsupported,
                "the mode interactive of image \"\(request.image)\" is not supported: whoever adds an app gives it no "
                    + "terminal; use tty, and \"rkt attach\"")
        }
        let pod = try livePod(prefix)
        let finder = try imageFinder(.never)
        let image = try finder.findStored(request.image)
        let addition = try LiveAddition(
            request, id: image.id, finder.store.manifest(of: image), volumes: volumes)
        let lock = try lockChanges(pod)
        defer { lock.release() }
        // Nobody else changes it now.
        var manifest = try PodManifest(parsing: pod.pod.manifestBytes())
        guard pod.pod.complete(manifest).app(named: addition.name) == nil else {
            throw RuntimeError(
                .exists,
                "pod \"\(pod.uuid)\" has an app \"\(addition.name)\" already; give this one another name with --name, or "
                    + "remove that one with \"rkt app rm\"")
        }
        // Being told to stop now must not leave mounts behind: it counts when everything is in place, or undone.
        let signals = HeldSignals()
        defer { signals.release() }
        try removeRemains(of: addition.name, from: pod, &manifest)
        let place = try pod.layout.takePlace()
        let plan = try addition.plan(in: manifest, place: place, notices)
        try pod.interface.checkStreams(PodManifest(apps: [plan.app]))
        try checkMemory(of: plan, in: pod)
        do {
            try put(plan, image, finder.store, in: pod, &manifest, place: place)
        } catch {
            do {
                try removeRemains(of: addition.name, from: pod, &manifest)
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
    }

    /// Everything that is undone when a step fails.
    private func put(
        _ plan: LiveAddition.Plan, _ image: StoredImage, _ store: ImageStore, in pod: LivePod,
        _ manifest: inout PodManifest, place: Int
    ) throws {
        let layout = pod.layout
        let name = plan.app.name.string
        try FileSystem.makeDirectories(layout.appInfo(name))
        try FileSystem.write([], to: layout.appIncomplete(name))
        try FileSystem.write("\(place)\n".utf8, to: layout.appPlace(name))
        try FileSystem.write(store.manifestBytes(of: image), to: layout.imageManifest(name))
        let tree = try store.rendered(image, check: treeCheck())
        // It is locked, and nobody removes it, until it is written down as used, or copied.
        try withExtendedLifetime(tree) {
            if FileSystem.exists(layout.overlay) {
                try FileSystem.write("\(tree.id)\n".utf8, to: layout.appTreeID(name))
            }
            try mountRoot(of: name, tree, layout, place: place)
            try checkIsSeen(name, place: place, in: pod)
            try attachVolumes(of: plan, tree.rootfs, in: pod)
        }
        try FileSystem.write([], to: layout.appCreated(name))
        manifest.apps.append(plan.app)
        manifest.volumes += plan.newVolumes
        try write(manifest, to: layout)
        try renewRegistration(layout, pod.uuid, manifest)
        notices.stage0("Adding app \(name)")
        try call(.addApp, name, in: pod)
        try FileSystem.remove(layout.appIncomplete(name))
    }

    func write(_ manifest: PodManifest, to layout: PodLayout) throws {
        try FileSystem.writeAtomically(manifest.encoded(pretty: false).utf8, to: layout.manifest)
    }

    // MARK: - Volumes

    /// - Parameter tree: the root of the app's image.
    private func attachVolumes(of plan: LiveAddition.Plan, _ tree: FilePath, in pod: LivePod) throws {
        let layout = pod.layout
        var attached = try LiveVolumes(reading: layout)
        for use in plan.uses {
            switch use.volume.kind {
            case .empty:
                try makeEmpty(use, root: plan.filled.contains(use.volume.name) ? tree : nil, layout)
            case .host(let source):
                let name = use.volume.name.string
                if let known = attached.places[name] {
                    guard use.isReadOnly || !known.isReadOnly else {
                        throw RuntimeError(
                            .unsupported,
                            "volume \"\(name)\" is read-only in pod \"\(pod.uuid)\"; add it under another name for an app that "
                                + "writes to it")
                    }
                    continue
                }
                let place = LiveVolumes.Place(
                    place: try layout.takePlace(), kind: try kind(of: FilePath(source), use.volume.name, pod.interface),
                    isReadOnly: use.isReadOnly)
                // Before it is mounted, so that whoever is killed leaves a note of it.
                attached.places[name] = place
                try attached.write(to: layout)
                try mount(
                    FilePath(source), place, isRecursive: use.volume.recursive ?? true,
                    allowsDevices: !pod.interface.hasOwnKernel, layout)
            }
        }
    }

    private func kind(of source: FilePath, _ name: ACName, _ stage1: Stage1Interface) throws -> LiveVolumes.Kind {
        let type: LinuxPlatform.FileType
        do {
            type = try FileSystem.status(source, followSymbolicLink: true).type
        } catch {
            throw RuntimeError(.notFound, "Failed to stat \(source) of volume \"\(name)\"", cause: error)
        }
        guard type == .directory || type == .regular || !stage1.hasOwnKernel else {
            throw RuntimeError(
                .unsupported,
                "\(source) of volume \"\(name)\" is neither a directory nor a file: what is behind a socket, a fifo or "
                    + "a device stays on the host's side of a virtual machine")
        }
        return type == .directory ? .directory : .file
    }

    /// Makes a volume that begins empty, or with what the image has at its place; one that is there stays as it is.
    ///
    /// - Parameter root: the image's, which no pod can change.
    private func makeEmpty(_ use: LiveAddition.Use, root: FilePath?, _ layout: PodLayout) throws {
        guard case .empty(_, let uid, let gid) = use.volume.kind else { return }
        let name = use.volume.name.string
        let path = layout.emptyVolumes.appending(name)
        guard !FileSystem.exists(path) else { return try mountEmptyVolume(name, path, layout) }
        if let users = try layout.readUsers(), users.outside(uid) == nil || users.outside(gid) == nil {
            throw RuntimeError(
                .unsupported,
                "volume \"\(name)\" is to belong to \(uid) and \(gid), and with --private-users a pod has users and groups "
                    + "below \(users.count)")
        }
        try FileSystem.makeDirectories(layout.emptyVolumes, mode: 0o700)
        // Names of volumes do not begin with a dot.
        let draft = layout.emptyVolumes.appending(".\(name)")
        try FileSystem.removeTree(draft)
        let contents = root.map { VolumeContents(root: $0, path: FilePath(inRoot: use.mount.path)) }
        if try contents?.copy(to: draft) != true {
            try FileSystem.makeDirectory(draft, mode: 0o700)
            do {
                let options: FileDescriptor.OpenOptions = [.directory, .noFollow, .closeOnExec]
                let directory = try FileDescriptor.open(draft, .readOnly, options: options)
                defer { try? directory.close() }
                try FileSystem.setOwner(uid, gid, of: directory)
                try FileSystem.setMode(use.volume.modeBits ?? 0o755, of: directory)
            } catch let error as Errno {
                throw RuntimeError.systemCall("chown", path, error)
            }
        }
        try FileSystem.rename(draft, to: path)
        try mountEmptyVolume(name, path, layout)
    }

    // MARK: - Room

    /// Refuses an app whose limit the machine cannot keep, and tells when those of all apps together are beyond it.
    private func checkMemory(of plan: LiveAddition.Plan, in pod: LivePod) throws {
        guard pod.interface.hasOwnKernel, let room = pod.pod.machine?["memoryMiB"]?.int,
            let limit = plan.memoryLimit
        else { return }
        guard limit.value <= Int64(room) << 20 else {
            throw RuntimeError(
                .unsupported,
                "app \"\(plan.app.name)\" is limited to \(limit), the machine of pod \"\(pod.uuid)\" has \(room) MiB; start "
                    + "the sandbox with --memory")
        }
        let others = try pod.pod.manifest().apps.compactMap { $0.app?.isolators.memoryLimit?.value }
        let sum = (others + [limit.value]).reduce(0) { $0 > Int64(room) << 20 ? $0 : $0 + min($1, Int64(1) << 60) }
        guard sum > Int64(room) << 20 else { return }
        notices.warning(
            "stage0",
            "the apps of pod \"\(pod.uuid)\" may take more memory together than the \(room) MiB of its machine")
    }
}
