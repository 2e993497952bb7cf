// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HostConfiguration
import Hypervisor
import LinuxPlatform
import PodStore
import SystemPackage

extension PodRuntime {
    /// Chooses the contexts of SELinux of a pod that is being started, and writes them down. Where the host has none for
    /// such pods, or they are turned off, it gets none.
    ///
    /// - Parameter policy: the host's; nil where SELinux is off.
    package func assignLabels(
        to layout: PodLayout, _ stage1: Stage1Interface, _ configuration: HypervisorConfiguration,
        policy: SELinuxPolicy? = SELinuxHost.policy()
    ) throws {
        // Those of a start that did not come about count no more.
        try FileSystem.remove(layout.labels)
        guard let policy, !stage1.isDirect, (configuration.labels ?? .standard) == .auto else { return }
        var generator = SystemRandomNumberGenerator()
        try pods.assignLabels(to: layout) { others in
            try PodLabels(policy, hasOwnKernel: stage1.hasOwnKernel, others: others, &generator)?.description
        }
    }
}

/// The context of files on a file system that keeps one for each of them.
package enum FileLabel {
    /// Gives everything in a tree the same. Nobody else may write to the tree meanwhile.
    package static func set(_ context: SELinuxContext, onTree root: FilePath) throws {
        var paths = [root]
        while let path = paths.popLast() {
            try context.set(on: path)
            // A link leads elsewhere.
            guard try FileSystem.status(path).type == .directory else { continue }
            paths += try FileSystem.list(path).map { path.appending($0) }
        }
    }
}
