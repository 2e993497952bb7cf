// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// How much one archive may ask for before it is refused.
package struct ArchiveLimits: Sendable {
    /// Entries of any kind.
    package var entries: Int
    /// Bytes of all files together, holes of sparse files counted.
    package var expandedBytes: Int64
    /// Bytes of the manifest.
    package var manifestBytes: Int

    package init(entries: Int = 2_000_000, expandedBytes: Int64 = 1 << 40, manifestBytes: Int = 4 << 20) {
        self.entries = entries
        self.expandedBytes = expandedBytes
        self.manifestBytes = manifestBytes
    }
}
