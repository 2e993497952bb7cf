// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// A backend whose machines change the host beyond their processes and the pod's directory.
package protocol MachineCollector: Hypervisor {
    /// Undoes what a machine has left whose supervisor was killed; all its processes are dead or about to be. Safe to
    /// repeat.
    ///
    /// - Throws: when something is left.
    func collect(_ remains: MachineRemains) throws
}

/// What is known of a machine that nobody supervises any more.
package struct MachineRemains: Sendable, Equatable {
    /// As in its specification.
    package let name: String
    /// As in its specification.
    package let workingDirectory: FilePath

    package init(name: String, workingDirectory: FilePath) {
        self.name = name
        self.workingDirectory = workingDirectory
    }
}
