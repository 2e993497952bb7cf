// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import PodStore

extension PodRuntime {
    /// Chooses the user ids of a pod that is being made, and writes them down.
    ///
    /// - Throws: code `unsupported` also when the data directory cannot show files with other owners.
    func assignUsers(to layout: PodLayout) throws {
        var generator = SystemRandomNumberGenerator()
        let users = try pods.assignUsers(to: layout, taken: HostUsers.taken(), using: &generator)
        // Found out now, and not when a pod that was prepared is to run.
        let owners = try OwnerMap(users, admitsRoot: true)
        defer { owners.close() }
        try MappedMount.check(layout.directory, owners)
    }
}
