// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import ImageStore
import LinuxPlatform
import PodStore
import SystemPackage

extension PodRuntime {
    /// How trees are checked before pods get them; nil when that is switched off.
    func treeCheck() -> TreeCheck? {
        guard !settings.insecure.contains(.onDisk) else {
            notices.warning("image", "on-disk verification has been disabled")
            return nil
        }
        let (runtime, notices) = (self, notices)
        return TreeCheck(
            isInUse: { try runtime.isTreeInUse($0) },
            onDamage: { image in
                notices.write(
                    "image",
                    "tree cache verification failed for image \"\(image.name)\" (\"\(image.id.key)\"); "
                        + "unpacking it anew")
            })
    }

    /// Whether a pod has been made from a tree.
    package func isTreeInUse(_ id: String) throws -> Bool { try pods.pods().contains { $0.treeIDs.contains(id) } }

    /// Checks the trees that a prepared pod was made with.
    func checkTrees(of layout: PodLayout) throws {
        guard FileSystem.exists(layout.overlay), let check = treeCheck() else { return }
        let store = try openImages()
        let records = try [layout.stage1TreeID] + FileSystem.list(layout.appInfos).map { layout.appTreeID($0) }
        for id in Set(try records.compactMap { try treeDirectory($0).lastComponent?.string }) {
            try store.checkTree(id: id, check)
        }
    }

    /// Renders an image that was fetched, so that the first pod of it need not wait; where pods get copies there is no
    /// tree to be shared, and other users than root cannot make one.
    ///
    /// An image that cannot be rendered is in the store all the same.
    package func renderInAdvance(_ image: StoredImage) {
        guard geteuid() == 0, let store = try? openImages() else { return }
        do {
            guard try Overlay.obstacle(in: store.layout.temporary) == nil else { return }
            _ = try store.rendered(image)
        } catch let error as RuntimeError where error.code == .notFound || error.code == .busy {
            // Others remove it again and again. What it depends on and lacks is told when a pod is made of it.
            return
        } catch {
            notices.warning("image", "image \"\(image.name)\" cannot be unpacked yet: \(error)")
        }
    }
}
