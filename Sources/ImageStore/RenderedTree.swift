// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// A rendered image on disk, kept from removal for as long as a copy of this value lives.
package struct RenderedTree {
    package let id: String
    /// The directory that holds `manifest` and `rootfs`.
    package let path: FilePath
    /// Apparent size in bytes.
    package let size: Int64
    /// Whether it was rendered only now.
    package let isNew: Bool
    /// Shared; whoever removes the tree needs it exclusively.
    package let lock: FileLock

    package var rootfs: FilePath { path.appending("rootfs") }
}
