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
        guard access(store.layout.trees.string, W_OK | X_OK) == 0 else {
            throw RuntimeError(
                .permissionDenied,
                "permission denied: only the owner of \(store.layout.trees) can remove trees; run as root")
        }
        try pods.makeDirectories()
        // Pods being made hold this while their trees are not yet written down as used.
        let collection = try FileLock.acquire(pods.directory, .exclusive)
        defer { collection.release() }
        let usedTrees = try pods.pods().reduce(into: Set<String>()) { $0.formUnion($1.treeIDs) }
        let usedImages = Set(
            usedTrees.compactMap {
                try? FileSystem.readText(store.layout.tree(for: $0).appending("image"), limit: 4096)
            })
        var garbage = ImageGarbage()
        for id in try store.trees() where !usedTrees.contains(id) {
            do {
                try store.removeTree(id: id)
                garbage.trees.append(id)
            } catch let error as RuntimeError where error.code == .busy {
                // Somebody has just asked for it.
                continue
            }
        }
        let now = Clock.wallNanoseconds
        for image in try store.images() {
            guard now - image.lastUsed >= gracePeriod, !usedImages.contains(image.id.string) else { continue }
            do {
                try store.remove(image)
                garbage.images.append(image)
            } catch let error as RuntimeError where error.code == .notFound {
                continue
            }
        }
        try store.removeLeftovers()
        return garbage
    }
}
