// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import PodStore

/// Names and versions of the images that apps were made from. A manifest is read once for all pods that have its image: an
/// image's ID stands for its contents.
package struct ImageNames: Sendable {
    private var known: [ImageID: String] = [:]

    package init() {}

    /// By the manifest kept with the pod, or what the pod manifest says.
    mutating func name(of app: RuntimeApp, _ pod: Pod) -> String {
        if let id = app.image.id, let name = known[id] { return name }
        guard let manifest = try? pod.imageManifest(of: app.name.string) else {
            let version = app.image.labels.first { $0.name.string == "version" }?.value
            return (app.image.name?.string ?? "") + (version.map { ":\($0)" } ?? "")
        }
        let name = manifest.name.string + (manifest.label("version").map { ":\($0)" } ?? "")
        if let id = app.image.id { known[id] = name }
        return name
    }
}
