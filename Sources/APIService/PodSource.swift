// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import ImageStore
import LinuxPlatform
import PodStore
import RktAPI
import Stage0
import Synchronization
import SystemPackage

/// Reads pods and images of the data directory as the commands do. Nothing is written.
package final class PodSource: Sendable {
    package let runtime: PodRuntime
    private let manifests = ManifestCache()
    /// The open index, and which file it is.
    private let store = Mutex<(version: [UInt64], store: ImageStore)?>(nil)

    package init(_ runtime: PodRuntime) { self.runtime = runtime }

    // MARK: - Pods

    /// Pods that pass one of the filters, by UUID; without filters all pods.
    package func pods(_ filters: [V1alpha_PodFilter], detail: Bool) throws -> [V1alpha_Pod] {
        let found =
            if let only = filters.onlyPods {
                try checked { only.compactMap(runtime.pods.pod) }
            } else {
                try runtime.pods.pods()
            }
        var names = ImageNames()
        return found.compactMap { pod in
            let candidates = filters.filter { $0.mayPass(pod.uuid, pod.state) }
            guard filters.isEmpty || !candidates.isEmpty else { return nil }
            let facts = facts(of: pod, detail: detail, &names)
            let message = V1alpha_Pod(facts)
            return filters.isEmpty || candidates.contains { $0.passes(facts, message) } ? message : nil
        }
    }

    /// One pod with its manifests, by its UUID or the beginning of it.
    package func pod(_ prefix: String) throws -> V1alpha_Pod {
        var names = ImageNames()
        return V1alpha_Pod(facts(of: try find(prefix), detail: true, &names))
    }

    /// The pod whose UUID begins with a text.
    package func find(_ prefix: String) throws -> Pod {
        do {
            return try runtime.pods.find(prefix)
        } catch let error as Diagnostics.RuntimeError {
            throw Diagnostics.RuntimeError(error.code, "problem retrieving pod", cause: error)
        }
    }

    /// Looking for one pod does not tell that the directory cannot be read.
    private func checked<Value>(_ body: () throws -> Value) throws -> Value {
        try checkDirectory()
        return try body()
    }

    /// - Throws: when the directory of all pods is there and cannot be read.
    private func checkDirectory() throws {
        do {
            _ = try FileSystem.list(runtime.pods.directory)
        } catch let error as Diagnostics.RuntimeError where error.code == .notFound {}
    }

    private func facts(of pod: Pod, detail: Bool, _ names: inout ImageNames) -> PodFacts {
        var facts = PodFacts(
            status: runtime.status(of: pod, .apps, &names, manifest: manifests.manifest),
            manifest: try? manifests.manifest(of: pod))
        if pod.state == .running, let pid = facts.status.pid { facts.controlGroup = controlGroup(of: pid) }
        guard detail else { return facts }
        facts.encodedManifest = facts.manifest?.encoded(pretty: false)
        for app in facts.status.apps {
            facts.imageManifests[app.name] = try? FileSystem.read(pod.layout.imageManifest(app.name))
        }
        return facts
    }

    private func controlGroup(of pid: Int32) -> String {
        let text = try? FileSystem.readText(FilePath("/proc/\(pid)/cgroup"), limit: 64 << 10)
        return text.flatMap(ControlGroupText.path) ?? ""
    }

    /// What the watcher compares.
    package func look(at pod: Pod, _ names: inout ImageNames) -> PodLook {
        PodLook(runtime.status(of: pod, .apps, &names, manifest: manifests.manifest))
    }

    // MARK: - Images

    /// Images that pass one of the filters, by ID; without filters all images.
    package func images(_ filters: [V1alpha_ImageFilter], detail: Bool) throws -> [V1alpha_Image] {
        guard let store = try openStore() else { return [] }
        let origins = try store.origins()
        let messages = try store.images().compactMap { image -> V1alpha_Image? in
            // Somebody may remove it meanwhile.
            guard let facts = try facts(of: image, in: store, origins[image.fullID] ?? [], detail: detail) else {
                return nil
            }
            let message = V1alpha_Image(facts)
            return filters.isEmpty || filters.contains { $0.passes(message) } ? message : nil
        }
        return messages.sorted { $0.id < $1.id }
    }

    /// One image with its manifest, by its ID or the beginning of it.
    package func image(_ prefix: String) throws -> V1alpha_Image {
        guard let store = try openStore() else {
            throw Diagnostics.RuntimeError(.notFound, "no image IDs found that begin with \"\(prefix)\"")
        }
        let image = try store.image(matching: prefix)
        guard let facts = try facts(of: image, in: store, store.origins(of: image), detail: true) else {
            throw Diagnostics.RuntimeError(.notFound, "no image IDs found that begin with \"\(prefix)\"")
        }
        return V1alpha_Image(facts)
    }

    /// Names of all images, by ID.
    package func imageNames() throws -> [String: String] {
        let images = try openStore()?.images() ?? []
        return Dictionary(images.map { ($0.id.key, $0.name) }, uniquingKeysWith: { first, _ in first })
    }

    private func facts(
        of image: StoredImage, in store: ImageStore, _ origins: [StoredOrigin], detail: Bool
    ) throws -> ImageFacts? {
        do {
            let annotations = try manifests.annotations(of: image.fullID) { try store.manifestBytes(of: image) }
            return ImageFacts(
                image: image, annotations: annotations, format: V1alpha_ImageType(origins),
                manifest: detail ? try store.manifestBytes(of: image) : nil)
        } catch let error as Diagnostics.RuntimeError where error.code == .notFound {
            return nil
        }
    }

    /// The index, opened again when another file has taken its place; nil when there is none.
    private func openStore() throws -> ImageStore? {
        let layout = StoreLayout(dataDirectory: runtime.settings.dataDirectory)
        let status: FileStatus
        do {
            status = try FileSystem.status(layout.database)
        } catch let error as Diagnostics.RuntimeError where error.code == .notFound {
            store.withLock { $0 = nil }
            return nil
        }
        // An empty file is one whose maker has not come to the tables.
        guard status.size > 0 else { return nil }
        let version = [status.device, status.inode]
        if let known = store.withLock({ $0 }), known.version == version { return known.store }
        let opened = try ImageStore(reading: runtime.settings.dataDirectory)
        store.withLock { $0 = (version, opened) }
        return opened
    }
}
