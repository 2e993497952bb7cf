// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Groups of this host's own list. Groups that a network knows are not asked for: that takes libraries which a static
/// program cannot load, and system groups stand in the list.
package enum SystemGroup {
    /// May read what rkt stores, and fetch images.
    package static let members = "rkt"
    /// May change rkt's configuration, and trust keys.
    package static let administrators = "rkt-admin"

    /// The number of a group, or nil when there is none of this name (group(5)).
    package static func id(named name: String, in file: FilePath = "/etc/group") -> UInt32? {
        guard let text = try? FileSystem.readText(file, limit: 16 << 20) else { return nil }
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count >= 3, fields[0] == name, let id = UInt32(fields[2]), id != .max { return id }
        }
        return nil
    }
}
