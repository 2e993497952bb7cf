// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import Hypervisor
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

extension PodRuntime {
    /// Mounts the overlays of a pod, stage1's first; a pod with copies has none.
    func mountRoots(_ layout: PodLayout) throws {
        let owners = try layout.readUsers().map { try OwnerMap($0, admitsRoot: true) }
        defer { owners?.close() }
        // What root of the host makes here belongs to nobody in a pod with users of its own, who has to pass through it.
        let mask = umask(0o022)
        defer { umask(mask) }
        let label = try PodLabels.read(layout.labels)?.file
        if FileSystem.exists(layout.overlay) {
            let tree = try treeRoot(layout.stage1TreeID)
            try Overlay.mount(lower: tree, layout.stage1Overlay, at: layout.stage1Rootfs, owners, label: label)
            for app in try FileSystem.list(layout.appInfos) {
                let target = layout.appRootfs(app)
                try FileSystem.makeDirectories(target)
                try Overlay.mount(
                    lower: treeRoot(layout.appTreeID(app)), layout.appOverlay(app), at: target, owners, label: label)
            }
        } else {
            // The apps' copies are below.
            if let label { try FileLabel.set(label, onTree: layout.stage1Rootfs) }
            if let owners { try MappedMount.attach(layout.stage1Rootfs, at: layout.stage1Rootfs, owners) }
        }
        if FileSystem.exists(layout.live) { try shareMounts(layout) }
        for directory in [layout.statuses, layout.exitCauses, layout.environments] {
            try FileSystem.makeDirectories(directory)
        }
    }

    private func treeRoot(_ record: FilePath) throws -> FilePath {
        try treeDirectory(record).appending("rootfs")
    }

    /// The rendered tree whose id a file of the pod holds.
    func treeDirectory(_ record: FilePath) throws -> FilePath {
        let id = try FileSystem.readText(record, limit: 4096).prefix { $0 != "\n" }
        guard !id.isEmpty, !id.contains("/"), id != ".." else {
            throw RuntimeError(.invalidArgument, "\(record) does not hold the id of a tree")
        }
        return StoreLayout(dataDirectory: settings.dataDirectory).tree(for: String(id))
    }

    /// Takes down everything mounted below a pod's directory. What is busy is detached; what is gone already is fine.
    func unmountAll(_ layout: PodLayout) throws { try unmountAll(beneath: layout.directory) }

    /// The same below another path, and at it.
    func unmountAll(beneath path: FilePath) throws {
        for point in try Mount.points(beneath: path) {
            do {
                try Mount.unmount(point)
            } catch let error as RuntimeError where error.code == .notFound || error.code == .invalidArgument {
                // Somebody else was faster.
                continue
            } catch {
                notices.stage0("\(point) is in use, detaching it")
                try Mount.unmount(point, detach: true)
            }
        }
    }
}
