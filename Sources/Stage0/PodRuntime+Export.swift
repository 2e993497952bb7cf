// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageArchive
import LinuxPlatform
import PodStore
import SystemPackage

extension PodRuntime {
    /// Makes an image of an app of a pod that has ended: its root with all that the app has changed.
    ///
    /// The image stands for itself: it has its dependencies' files, and names no dependencies.
    ///
    /// - Parameters:
    ///   - app: may be nil when the pod has one app only.
    ///   - body: writes the image; meanwhile nobody can remove the pod.
    package func export(_ prefix: String, app: String?, _ body: (ImageBuilder) throws -> Void) throws {
        let pod = try pods.find(prefix)
        guard pod.state == .exited, let hold = try pods.hold(pod) else {
            throw RuntimeError(
                .invalidState, "pod \"\(pod.uuid)\" is not exited. Only exited pods can be exported")
        }
        defer { hold.release() }
        let app = try PodRuntime.chooseApp(app, of: pod.manifest().apps.map(\.name.string), in: pod.uuid)
        var manifest = try ImageManifest(parsing: FileSystem.read(pod.layout.imageManifest(app)))
        manifest.dependencies = []
        manifest.pathWhitelist = []
        var builder = try ImageBuilder(
            manifest: .document(Array(manifest.encoded().utf8)), rootfs: endedRoot(of: app, pod.layout))
        // Nobody listens at them any more.
        builder.omitsSockets = true
        try body(builder)
    }

    /// A machine has the directory of the roots: nothing of the host is to be exported by a link that it has put there.
    private func checkWay(to root: FilePath, _ layout: PodLayout) throws {
        let tree = try GuardedTree(layout.directory)
        defer { tree.close() }
        do {
            try tree.open(root).close()
        } catch let error as RuntimeError where error.code == .notFound {}
    }

    /// The root of an app as it left it. After a reboot its overlay is mounted again, for this process alone.
    private func endedRoot(of app: String, _ layout: PodLayout) throws -> FilePath {
        let root = layout.appRootfs(app)
        try checkWay(to: root, layout)
        // The host's root, and so the image, has the owners that the pod gave its files, and not what they were shown as.
        if try layout.readUsers() != nil { try unmountAll(layout) }
        guard try Mount.points(beneath: root).isEmpty else { return root }
        let place = layout.place(of: app)
        guard FileSystem.exists(layout.overlay) else { return place.map { layout.liveCopy(app, $0) } ?? root }
        try Mount.leaveNamespace()
        let layers = place.map { layout.liveLayers(app, $0) } ?? layout.appOverlay(app)
        try Overlay.mount(lower: treeDirectory(layout.appTreeID(app)).appending("rootfs"), layers, at: layers.directory)
        return layers.directory
    }
}
