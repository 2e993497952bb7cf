// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageStore

extension Fetcher {
    /// The longest way from an image to one it depends on, and the most images it may depend on.
    private static let depthLimit = 64
    private static let countLimit = 512

    /// Makes sure that everything an image depends on is in the store, level by level.
    ///
    /// What the store has is used. What is missing on a level is downloaded at once, each image one time.
    package func fetchDependencies(of root: StoredImage) throws {
        var graph = DependencyGraph()
        var level = [root]
        var known: [ImageManifest.Dependency: StoredImage] = [:]
        var depth = 0
        while !level.isEmpty {
            guard depth <= Fetcher.depthLimit else {
                throw RuntimeError(
                    .invalidArgument, "image \(root.name) depends on images more than \(Fetcher.depthLimit) levels deep"
                )
            }
            depth += 1
            let wanted = try level.map { image in
                (image, try store.manifest(of: image).dependencies)
            }
            var missing: [ImageManifest.Dependency] = []
            var asked: Set<ImageManifest.Dependency> = []
            for dependency in wanted.flatMap(\.1) where known[dependency] == nil && asked.insert(dependency).inserted {
                if let image = try stored(dependency) { known[dependency] = image } else { missing.append(dependency) }
                // Before anybody is asked for any of them.
                guard known.count + missing.count <= Fetcher.countLimit else { throw Fetcher.tooMany(root) }
            }
            for (dependency, image) in try fetch(missing, of: root) { known[dependency] = image }
            var next: [StoredImage] = []
            for (image, dependencies) in wanted {
                for dependency in dependencies {
                    guard let found = known[dependency] else { continue }
                    if graph.add(found, under: image) { next.append(found) }
                }
            }
            level = next
        }
        try graph.refuseCycles(from: root)
    }

    private static func tooMany(_ root: StoredImage) -> RuntimeError {
        RuntimeError(.invalidArgument, "image \(root.name) depends on more than \(countLimit) images")
    }

    private func stored(_ dependency: ImageManifest.Dependency) throws -> StoredImage? {
        let name = ImageName(name: dependency.imageName, labels: dependency.labels)
        let image: StoredImage?
        if let id = dependency.imageID {
            do {
                image = try store.image(matching: id.string)
            } catch let error as RuntimeError where error.code == .notFound {
                image = nil
            }
        } else {
            image = try store.image(named: name)
        }
        if image != nil { web.note("using image from local store for image name \(name)") }
        return image
    }

    /// Downloads dependencies, all at once.
    private func fetch(
        _ dependencies: [ImageManifest.Dependency], of root: StoredImage
    ) throws -> [(ImageManifest.Dependency, StoredImage)] {
        let requests = try dependencies.map { dependency in
            let name = ImageName(name: dependency.imageName, labels: dependency.labels)
            return try explaining(name, root) {
                guard policy != .never else { throw Fetcher.absent(name.description) }
                web.note("searching for app image \(name)")
                // A dependency without os and arch may be for any.
                let places = try Discovery(web).images(for: name, orElse: Fetcher.withPlatform(name))
                var request = try discover(name, places)
                request.demand.id = dependency.imageID
                if dependency.size > 0 { request.limit = Int64(clamping: dependency.size) }
                return request
            }
        }
        let results = archives(requests)
        return try zip(dependencies, results).map { dependency, result in
            let name = ImageName(name: dependency.imageName, labels: dependency.labels)
            return try explaining(name, root) { (dependency, try result.get()) }
        }
    }

    private func explaining<Value>(
        _ name: ImageName, _ root: StoredImage, _ body: () throws -> Value
    ) throws -> Value {
        do {
            return try body()
        } catch {
            throw RuntimeError(
                (error as? RuntimeError)?.code ?? .internal,
                "unable to fetch image from image name \"\(name)\", which \(root.name) depends on", cause: error)
        }
    }
}

/// Which image depends on which.
private struct DependencyGraph {
    private var edges: [ImageID: [StoredImage]] = [:]
    private var seen: Set<ImageID> = []

    /// - Returns: whether the image is one that was not known.
    mutating func add(_ image: StoredImage, under parent: StoredImage) -> Bool {
        edges[parent.fullID, default: []].append(image)
        seen.insert(parent.fullID)
        return seen.insert(image.fullID).inserted
    }

    /// Refuses images that depend on themselves by way of others.
    func refuseCycles(from root: StoredImage) throws {
        var finished: Set<ImageID> = []
        var path: [StoredImage] = []
        try visit(root, &path, &finished)
    }

    private func visit(_ image: StoredImage, _ path: inout [StoredImage], _ finished: inout Set<ImageID>) throws {
        guard !finished.contains(image.fullID) else { return }
        if let place = path.firstIndex(where: { $0.fullID == image.fullID }) {
            let names = (path[place...] + [image]).map(\.name).joined(separator: " → ")
            throw RuntimeError(.invalidArgument, "the dependencies of image \(path[0].name) form a cycle: \(names)")
        }
        path.append(image)
        for next in edges[image.fullID] ?? [] { try visit(next, &path, &finished) }
        path.removeLast()
        finished.insert(image.fullID)
    }
}
