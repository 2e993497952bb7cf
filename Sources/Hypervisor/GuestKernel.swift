// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The kernel that a pod runs on.
package enum GuestKernel: Sendable, Equatable {
    /// A kernel image that comes with the stage1, in a form that the backend takes. A kernel with modules has an
    /// initrd, which loads them and mounts the root file system.
    case bundled(FilePath, initrd: FilePath? = nil)
    /// The kernel of the host, shared; the machine begins with a program.
    case host(FirstProgram)
    /// The kernel of the host, shared; there is nothing but one app.
    case direct(AppProgram)
}

/// What a machine on the host's kernel begins with.
package struct FirstProgram: Sendable, Equatable {
    /// From argv[0] on, which is an absolute path inside the machine's root.
    package var arguments: [String]
    /// `NAME=value` each.
    package var environment: [String]
    /// Those that it and what it starts can have at most; bit N is capability N of capabilities(7).
    package var capabilities: UInt64

    package init(arguments: [String], environment: [String] = [], capabilities: UInt64) {
        self.arguments = arguments
        self.environment = environment
        self.capabilities = capabilities
    }
}

/// What the machine finds as its root file system.
package enum RootFilesystem: Sendable, Equatable {
    /// A read-only EROFS image, attached as the first virtio block device (`/dev/vda`).
    case block(FilePath)
    /// A directory of the host, for backends without a kernel of their own.
    case directory(FilePath)
}
