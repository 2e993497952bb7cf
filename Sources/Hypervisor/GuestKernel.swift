// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The kernel that a pod runs on.
package enum GuestKernel: Sendable, Equatable {
    /// A kernel image that comes with the stage1: an ELF `vmlinux` with a PVH note, which boots without decompression,
    /// or a `bzImage`.
    case bundled(FilePath)
    /// The kernel of the host, shared.
    case host
}

/// What the machine finds as its root file system.
package enum RootFilesystem: Sendable, Equatable {
    /// A read-only EROFS image, attached as the first virtio block device (`/dev/vda`).
    case block(FilePath)
    /// A directory of the host, for backends without a kernel of their own.
    case directory(FilePath)
}
