// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer

/// An image in the store, as its index describes it.
package struct StoredImage: Sendable, Equatable {
    /// The store's key: `sha512-` and 64 digits.
    package let id: ImageID
    /// All 128 digits.
    package let fullID: ImageID
    package let name: String
    package let labels: Labels
    /// When it was last imported, nanoseconds since 1970.
    package let importTime: Int64
    /// When it was last imported or rendered, nanoseconds since 1970.
    package let lastUsed: Int64
    /// Bytes of the uncompressed archive.
    package let size: Int64
    /// Apparent size of its rendered trees, the store's own two files in each included; 0 when there is none.
    package let treeSize: Int64
    /// Whether it was fetched by its name without a version.
    package let isLatest: Bool

    /// The `version` label; an empty one counts as absent.
    package var version: String? { labels["version"].flatMap { $0.isEmpty ? nil : $0 } }

    package init(
        id: ImageID, fullID: ImageID, name: String, labels: Labels, importTime: Int64, lastUsed: Int64, size: Int64,
        treeSize: Int64, isLatest: Bool = false
    ) {
        self.id = id
        self.fullID = fullID
        self.name = name
        self.labels = labels
        self.importTime = importTime
        self.lastUsed = lastUsed
        self.size = size
        self.treeSize = treeSize
        self.isLatest = isLatest
    }
}
