// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Hypervisor
import LinuxPlatform
import SystemPackage

/// One call of systemd-nspawn(1).
package struct NspawnCommandLine: Equatable, CustomStringConvertible, Sendable {
    /// The pod's UUID.
    package var id: String
    /// The container's name, which its control groups have too.
    package var name: String
    /// From the program on.
    package var words: [String]
    package var environment: [String]
    /// The socket that the container finds at `NspawnHypervisor.guestSocket`.
    package var socket: FilePath
    /// The user ids of the container; nil for the host's.
    package var users: UserRange?
    /// The network that systemd-nspawn runs in, and the container with it; nil where it is one of the options.
    package var network: NspawnNetwork?
    package var inheritedDescriptors: [Int32]
    /// The contexts of SELinux that are among the options; nil for those that the host gives.
    package var labels: PodLabels?
    package var workingDirectory: FilePath
    package var log: FilePath

    /// As a shell would take it, one option on each line.
    package var description: String {
        let wrapper = network.map { ["nsenter --net=\($0.namespace)"] } ?? []
        return
            (environment + wrapper
            + words.map { $0.contains(" ") ? "'\($0)'" : $0 }).joined(separator: " \\\n    ")
    }
}
