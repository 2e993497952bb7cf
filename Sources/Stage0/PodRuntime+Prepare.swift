// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

/// The images of a pod and its manifest: everything that is found out before anything of the pod exists.
struct PodPlan {
    let manifest: PodManifest
    /// The apps' images, in the manifest's order.
    let images: [StoredImage]
    let stage1: StoredImage
    /// Whether user ids have to be chosen for the pod.
    let needsUsers: Bool
    /// What it took to find the images.
    let times: PreparationTimes
}

extension PodRuntime {
    /// Prepares a pod that `runPrepared` can start. When it fails after the pod was made, an aborted prepare is left.
    ///
    /// - Returns: the pod's UUID.
    package func prepare(_ request: PodRequest, uuidFileSave: FilePath? = nil) throws -> PodUUID {
        let images = try imageFinder(request.pullPolicy)
        let plan = try plan(request, images)
        let pod = try pods.create()
        let uuid = pod.uuid
        try saveUUID(uuid, to: uuidFileSave)
        try fill(pod.layout, with: plan, request.storage, images.store)
        try pod.finishPreparing()
        return uuid
    }

    /// Finds the images and builds the manifest.
    func plan(_ request: PodRequest, _ finder: ImageFinder) throws -> PodPlan {
        try PodRequestRules.check(request)
        var times = PreparationTimes()
        let stage1 = try times.measure(\.fetch) { try finder.findStage1(request.stage1) }
        let interface = try Stage1Interface(finder.store.manifest(of: stage1))
        // One that is prepared is to be run some day.
        _ = try interface.runPath()
        if request.privateUsers { try interface.checkPrivateUsers() }
        if request.isMutable { try interface.checkMutable() }
        let needsUsers = request.privateUsers && !interface.hasOwnKernel
        if let path = request.podManifest {
            let (manifest, images) = try PodManifestFile(path: path).resolve(in: finder.store, notices)
            try interface.checkStreams(manifest)
            return PodPlan(manifest: manifest, images: images, stage1: stage1, needsUsers: needsUsers, times: times)
        }
        let images = try times.measure(\.fetch) {
            try request.apps.map { try finder.find($0.image, signature: $0.signature) }
        }
        let manifests = try images.map { try finder.store.manifest(of: $0) }
        let builder = try PodManifestBuilder(request)
        let manifest = try builder.build(zip(images, manifests).map { (id: $0.id, manifest: $1) }, notices)
        try interface.checkStreams(manifest)
        return PodPlan(manifest: manifest, images: images, stage1: stage1, needsUsers: needsUsers, times: times)
    }

    /// Makes everything that stands in a prepared pod's directory.
    func fill(_ layout: PodLayout, with plan: PodPlan, _ storage: RootStorage, _ store: ImageStore) throws {
        let usesOverlay = try chooseOverlay(storage, in: layout.directory)
        if plan.needsUsers { try assignUsers(to: layout) }
        notices.stage0("Preparing stage1")
        try FileSystem.makeDirectory(layout.stage1)
        try FileSystem.write(store.manifestBytes(of: plan.stage1), to: layout.stage1Manifest)

        let check = treeCheck()
        var times = plan.times
        let stage1Tree = try times.measureTree { try store.rendered(plan.stage1, check: check) }
        var trees: [(app: String, tree: RenderedTree)] = []
        for (app, image) in zip(plan.manifest.apps, plan.images) {
            let name = app.name.string
            try FileSystem.makeDirectories(layout.appInfo(name))
            try FileSystem.write(store.manifestBytes(of: image), to: layout.imageManifest(name))
            trees.append((name, try times.measureTree { try store.rendered(image, check: check) }))
        }
        // They are locked, and nobody removes them, until they are written down as used, or copied.
        try withExtendedLifetime((stage1Tree, trees)) {
            if usesOverlay {
                try makeLayers(layout, stage1Tree, trees)
            } else {
                try TreeCopy.copy(stage1Tree.rootfs, to: layout.stage1Rootfs)
                for (app, tree) in trees {
                    try FileSystem.makeDirectories(layout.apps.appending(app))
                    try TreeCopy.copy(tree.rootfs, to: layout.appRootfs(app))
                }
            }
        }

        try writeImages(layout, plan, stage1Tree, trees.map(\.tree), store)
        if plan.manifest.annotation(PodAnnotation.mutable.string) == "true", plan.manifest.apps.isEmpty {
            try FileSystem.makeDirectory(layout.live)
            try FileSystem.makeDirectories(layout.appInfos)
        }
        try times.write(layout)
        notices.stage0("Writing pod manifest")
        try FileSystem.writeAtomically(plan.manifest.encoded(pretty: false).utf8, to: layout.manifest)
    }

    /// Makes the writable layers, and notes the trees below them.
    private func makeLayers(
        _ layout: PodLayout, _ stage1: RenderedTree, _ apps: [(app: String, tree: RenderedTree)]
    ) throws {
        try FileSystem.makeDirectory(layout.stage1Rootfs)
        try FileSystem.write("\(stage1.id)\n".utf8, to: layout.stage1TreeID)
        try Overlay.makeLayers(layout.stage1Overlay, over: stage1.rootfs)
        for (app, tree) in apps {
            try FileSystem.write("\(tree.id)\n".utf8, to: layout.appTreeID(app))
            try Overlay.makeLayers(layout.appOverlay(app), over: tree.rootfs)
        }
    }

    private func chooseOverlay(_ storage: RootStorage, in directory: FilePath) throws -> Bool {
        guard storage != .copies else { return false }
        guard let obstacle = try Overlay.obstacle(in: directory) else { return true }
        guard storage == .overlayWherePossible else {
            throw RuntimeError(.unsupported, "overlays were asked for but cannot be used: \(obstacle)")
        }
        notices.write("prepare", "disabling overlay support: \"\(obstacle)\"")
        return false
    }
}
