// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ImageStore
import LinuxPlatform
import PodStore

extension PodRuntime {
    /// Notes the images that a pod is made of: stage1's first, then the apps' in the manifest's order.
    func writeImages(
        _ layout: PodLayout, _ plan: PodPlan, _ stage1: RenderedTree, _ trees: [RenderedTree], _ store: ImageStore
    ) throws {
        var entries = [try entry(plan.stage1, stage1, app: nil, store)]
        for (number, app) in plan.manifest.apps.enumerated() where number < min(plan.images.count, trees.count) {
            entries.append(try entry(plan.images[number], trees[number], app: app.name.string, store))
        }
        try FileSystem.writeAtomically((JSONValue.array(entries).encoded() + "\n").utf8, to: layout.images)
    }

    /// - Parameter app: nil for stage1.
    private func entry(
        _ image: StoredImage, _ tree: RenderedTree, app: String?, _ store: ImageStore
    ) throws -> JSONValue {
        let signature = try store.signature(of: image)
        var object = JSONObject()
        object.set("app", app.map { .string($0) } ?? .null)
        object.set("name", .string(image.name))
        object.set("id", .string(image.fullID.string))
        object.set("tree", .string(tree.id))
        object.set("signature", signature.map { .string($0.word) } ?? .null)
        if let fingerprint = signature?.fingerprint { object.set("fingerprint", .string(fingerprint)) }
        return .object(object)
    }
}
