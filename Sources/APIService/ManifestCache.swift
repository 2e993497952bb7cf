// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import Synchronization
import SystemPackage

/// Values that are made from something that does not change, the oldest of which go when there are too many.
package final class BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var entries: [Key: (value: Value, cost: Int)] = [:]
        /// As they came; those in front of `first` are gone.
        var order: [Key] = []
        var first = 0
        var cost = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: of the sum of all costs.
    package init(limit: Int) { self.limit = limit }

    /// The value that is known, or that `make` makes now, and what it costs.
    package func value(_ key: Key, make: () throws -> (Value, cost: Int)) rethrows -> Value {
        if let known = state.withLock({ $0.entries[key]?.value }) { return known }
        let (value, cost) = try make()
        guard cost <= limit else { return value }
        state.withLock { state in
            guard state.entries[key] == nil else { return }
            state.entries[key] = (value, cost)
            state.order.append(key)
            state.cost += cost
            while state.cost > limit, state.first < state.order.count {
                state.cost -= state.entries.removeValue(forKey: state.order[state.first])?.cost ?? 0
                state.first += 1
            }
            if state.first > state.order.count / 2 {
                state.order.removeFirst(state.first)
                state.first = 0
            }
        }
        return value
    }

    /// Of all that it holds.
    package var cost: Int { state.withLock { $0.cost } }
}

/// Manifests of pods and images, each parsed once.
package final class ManifestCache: Sendable {
    /// A file as it was: whoever changes it changes one of these.
    private struct FileVersion: Hashable {
        let device: UInt64
        let inode: UInt64
        let size: Int64
        let changeTime: Int64
    }

    /// Bytes of the manifests' files; half of it for each kind.
    package static let limit = 64 << 20

    private let pods = BoundedCache<FileVersion, PodManifest>(limit: ManifestCache.limit / 2)
    private let images = BoundedCache<ImageID, Annotations>(limit: ManifestCache.limit / 2)

    package init() {}

    /// The manifest of a pod, without apps that are being added or removed: that changes without the file.
    ///
    /// - Throws: when it is missing or malformed.
    package func manifest(of pod: Pod) throws -> PodManifest {
        let status = try FileSystem.status(pod.layout.manifest)
        guard status.type == .regular else {
            throw RuntimeError(.invalidState, "\(pod.layout.manifest) is not a file")
        }
        let version = FileVersion(
            device: status.device, inode: status.inode, size: status.size, changeTime: status.changeTime)
        let whole = try pods.value(version) {
            (try PodManifest(parsing: pod.manifestBytes()), cost: Int(status.size))
        }
        return pod.complete(whole)
    }

    /// The annotations of an image; an ID stands for its contents. Those of a manifest that breaks a rule are none.
    ///
    /// - Parameter bytes: reads the manifest.
    package func annotations(of image: ImageID, bytes: () throws -> [UInt8]) rethrows -> Annotations {
        try images.value(image) {
            let bytes = try bytes()
            return ((try? ImageManifest(parsing: bytes))?.annotations ?? [], cost: bytes.count)
        }
    }
}
