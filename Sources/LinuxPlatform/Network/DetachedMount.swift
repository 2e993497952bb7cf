// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import CLinuxShims
import SystemPackage

/// A file system that is mounted nowhere: only whoever has the descriptor finds it, and it goes with the descriptor
/// (fsopen(2), Linux 5.2).
package enum DetachedMount {
    /// - Returns: the root directory.
    package static func open(_ type: String) throws -> FileDescriptor {
        FileDescriptor(rawValue: try check(rkt_mount_detached(type), "mount", FilePath(type)))
    }
}
