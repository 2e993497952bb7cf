// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// The name below which `journalctl -m` finds a pod's journal: a symbolic link, in the host's journal directory, to the
/// directory of the pod's journal.
package struct JournalLink: Sendable {
    /// Where journald keeps what outlives a boot (systemd-journald.service(8)).
    package static let hostDirectory: FilePath = "/var/log/journal"

    private let directory: FilePath
    private let path: FilePath

    /// - Parameter machineID: the pod's UUID without dashes.
    package init(machineID: String, in directory: FilePath = JournalLink.hostDirectory) {
        self.directory = directory
        path = directory.appending(machineID)
    }

    /// Makes the link, unless the host has no journal directory or something else has the name.
    ///
    /// - Returns: whether there is a link now.
    package func make(to target: FilePath) throws -> Bool {
        guard (try? FileSystem.status(directory, followSymbolicLink: true).type) == .directory else { return false }
        if exists { try FileSystem.remove(path) }
        guard !FileSystem.exists(path) else { return false }
        try FileSystem.makeSymbolicLink(to: target.string, at: path)
        return true
    }

    /// Follows the pod into another phase; a link that was not made stays away.
    package func follow(to target: FilePath) throws {
        if exists { _ = try make(to: target) }
    }

    package func remove() throws {
        if exists { try FileSystem.remove(path) }
    }

    /// Whether the name is a link; a directory of that name is journald's own.
    private var exists: Bool { (try? FileSystem.readSymbolicLink(path)) != nil }
}
