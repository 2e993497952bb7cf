// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import FoundationEssentials
import ImageStore
import RktAPI

/// What the service knows of an image: what the store's index says, and what its manifest and its origin do.
package struct ImageFacts: Sendable {
    package var image: StoredImage
    /// Of the manifest.
    package var annotations: Annotations
    package var format: V1alpha_ImageType
    /// As bytes; only where details are wanted.
    package var manifest: [UInt8]?

    package init(
        image: StoredImage, annotations: Annotations = [], format: V1alpha_ImageType = .appc,
        manifest: [UInt8]? = nil
    ) {
        self.image = image
        self.annotations = annotations
        self.format = format
        self.manifest = manifest
    }
}

extension V1alpha_ImageType {
    /// What an image was before it was imported, by the place that was asked for it last.
    package init(_ origins: [StoredOrigin]) {
        let point = origins.first?.point ?? ""
        self =
            if point.hasPrefix("cimd:docker:") { .docker } else if point.hasPrefix("cimd:oci-") { .oci } else {
                .appc
            }
    }
}

extension V1alpha_Image {
    /// An image as clients see it.
    package init(_ facts: ImageFacts) {
        self.init()
        let image = facts.image
        baseFormat.type = facts.format
        id = image.id.key
        name = image.name
        version = image.version ?? ""
        importTimestamp = image.importTime / 1_000_000_000
        if let bytes = facts.manifest { manifest = Data(bytes) }
        size = image.size + image.treeSize
        annotations = V1alpha_KeyValue.list(facts.annotations)
        labels = V1alpha_KeyValue.list(image.labels)
    }
}
