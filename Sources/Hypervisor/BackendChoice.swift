// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What the configuration and the installation say about the backend of pods that have a kernel of their own.
package struct BackendChoice: Sendable, Equatable {
    /// Used in place of the one that the stage1 image names.
    package let kind: HypervisorKind?
    /// The hypervisor's program, used in place of the one in the search path.
    package let binary: FilePath?
    /// Where the programs are that were installed with rkt; nil where nothing says so.
    package let programs: FilePath?

    package init(_ kind: HypervisorKind? = nil, binary: FilePath? = nil, programs: FilePath? = nil) {
        self.kind = kind
        self.binary = binary
        self.programs = programs
    }
}
