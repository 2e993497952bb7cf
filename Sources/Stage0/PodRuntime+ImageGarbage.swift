// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import Diagnostics
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

/// What a collection of images has removed.
package struct ImageGarbage: Sendable {
    /// Ids of rendered trees.
    package var trees: [String] = []
    package var images: [StoredImage] = []

    package init() {}
}

extension PodRuntime {
    /// Removes rendered trees that no pod needs, and images that nobody has used for a while.
    ///
    /// - Parameter gracePeriod: nanoseconds.
    package func collectImages(gracePeriod: Int64) throws -> ImageGarbage {
        let store = try openImages()
        guard canRemoveTrees(store) else {
            throw RuntimeError(
                .permissionDenied,
                "permission denied: only the owner of \(store.layout.trees) can remove trees; run as root")
        }
        var garbage = ImageGarbage()
        garbage.trees = try store.removeTrees(store.trees(), unlessIn: treesOfPods)
        let needed = try imagesInUse(store, gracePeriod)
        for image in try store.images() where !needed.contains(image.fullID) {
            do {
                try store.remove(image)
                garbage.images.append(image)
            } catch let error as RuntimeError where error.code == .notFound {
                continue
            }
        }
        try store.removeReplacedTrees(except: treesOfPods())
        try store.removeLeftovers()
        return garbage
    }

    /// The full IDs of images that pods are made of or somebody has used lately, and of what these depend on.
    private func imagesInUse(_ store: ImageStore, _ gracePeriod: Int64) throws -> Set<ImageID> {
        let ofPods = try Set(
            treesOfPods().compactMap {
                try? FileSystem.readText(store.layout.tree(for: $0).appending("image"), limit: 4096)
            })
        let now = Clock.wallNanoseconds
        return try store.images().filter { now - $0.lastUsed < gracePeriod || ofPods.contains($0.id.string) }
            .reduce(into: []) { $0.formUnion(store.parts(of: $1)) }
    }

    /// Removes an image, and its rendered trees except those that pods need.
    ///
    /// A user who may not remove trees leaves them to the next collection.
    package func remove(_ image: StoredImage, from store: ImageStore) throws {
        try store.remove(image)
        guard canRemoveTrees(store) else { return }
        _ = try store.removeTrees(store.trees(of: image), unlessIn: treesOfPods)
    }

    private func canRemoveTrees(_ store: ImageStore) -> Bool {
        access(store.layout.trees.string, W_OK | X_OK) == 0
    }

    /// IDs of the trees that pods have written down as theirs. A pod being made holds the locks of its trees until then.
    private func treesOfPods() throws -> Set<String> {
        try pods.pods().reduce(into: []) { $0.formUnion($1.treeIDs) }
    }
}
