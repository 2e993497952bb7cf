// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Crypto
import Diagnostics
import ImageArchive

/// Lays out an image and all its dependencies in the order in which they render (appc 0.8.11, dependency matching).
struct DependencyResolver {
    /// One image on one way down from the root.
    struct Layer: Hashable {
        let id: ImageID
        let whitelist: PathWhitelist?
        let inheritedWhitelists: [PathWhitelist]
    }

    /// Highest priority first: the image itself, then its last dependency with what that one depends on, and so on.
    private(set) var layers: [Layer] = []
    private let store: ImageStore
    private var seen: Set<Layer> = []
    private var manifests: [ImageID: ImageManifest] = [:]

    /// The most images one tree is made of, counting one again for each way to it that filters differently.
    private static let limit = 512

    init(_ image: StoredImage, in store: ImageStore) throws {
        self.store = store
        try visit(image, inherited: [], chain: [])
    }

    /// The full IDs of all images that the tree is made of.
    var images: Set<ImageID> { Set(layers.map(\.id)) }

    /// Names the tree: it depends on nothing but which images are laid over each other how.
    var treeID: String { "deps-" + digest }

    /// `sha512-` and 64 digits over the IDs of all layers.
    var digest: String {
        var hash = SHA512()
        for layer in layers { hash.update(data: Array((layer.id.string + "\n").utf8)) }
        return ImageID(digest: hash.finalize()).key
    }

    private mutating func visit(_ image: StoredImage, inherited: [PathWhitelist], chain: [StoredImage]) throws {
        guard !chain.contains(where: { $0.fullID == image.fullID }) else {
            let names = (chain + [image]).map(\.name).joined(separator: " → ")
            throw RuntimeError(
                .invalidArgument, "image \(image.name) cannot be rendered: its dependencies form a cycle: \(names)")
        }
        let manifest = try manifest(of: image)
        let whitelist = PathWhitelist(manifest.pathWhitelist)
        let layer = Layer(id: image.fullID, whitelist: whitelist, inheritedWhitelists: inherited)
        // The same image under the same lists has nothing to add, nor have the images it depends on.
        guard seen.insert(layer).inserted else { return }
        guard layers.count < DependencyResolver.limit else {
            throw RuntimeError(
                .invalidArgument,
                "image \(chain.first?.name ?? image.name) cannot be rendered: it depends on more than "
                    + "\(DependencyResolver.limit) images")
        }
        layers.append(layer)
        for dependency in manifest.dependencies.reversed() {
            let next = try resolve(dependency, of: image)
            try visit(next, inherited: inherited + (whitelist.map { [$0] } ?? []), chain: chain + [image])
        }
    }

    private func resolve(_ dependency: ImageManifest.Dependency, of image: StoredImage) throws -> StoredImage {
        if let id = dependency.imageID {
            if let match = try? store.image(matching: id.string) { return match }
            throw RuntimeError(
                .notFound,
                "image \(image.name) depends on \(dependency.imageName) with the ID \(id.short), "
                    + "which is not in the store; fetch it")
        }
        let name = ImageName(name: dependency.imageName, labels: dependency.labels)
        guard let match = try store.image(named: name) else {
            throw RuntimeError(
                .notFound, "image \(image.name) depends on \(name), which is not in the store; fetch it")
        }
        return match
    }

    private mutating func manifest(of image: StoredImage) throws -> ImageManifest {
        if let known = manifests[image.fullID] { return known }
        let manifest = try store.manifest(of: image)
        manifests[image.fullID] = manifest
        return manifest
    }
}
