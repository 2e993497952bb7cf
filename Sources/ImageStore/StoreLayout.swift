// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage

/// Where the image store keeps what, below the data directory.
package struct StoreLayout: Sendable {
    package let dataDirectory: FilePath

    package init(dataDirectory: FilePath) { self.dataDirectory = dataDirectory }

    package var cas: FilePath { dataDirectory.appending("cas") }
    package var blobs: FilePath { cas.appending("blob").appending("sha512") }
    /// Rendered trees, one directory each; only root looks in.
    package var trees: FilePath { cas.appending("tree") }
    /// Images while they are imported.
    package var temporary: FilePath { cas.appending("tmp") }
    /// Lock files of trees.
    package var locks: FilePath { cas.appending("locks") }
    package var databaseDirectory: FilePath { cas.appending("db") }
    package var database: FilePath { databaseDirectory.appending("images.sqlite") }

    /// The uncompressed archive of an image, in a directory named after the first two digits of its ID.
    package func blob(for id: ImageID) -> FilePath {
        let key = id.key
        return blobs.appending(String(key.dropFirst("sha512-".count).prefix(2))).appending(key)
    }

    /// The directory of a rendered tree.
    package func tree(for id: String) -> FilePath { trees.appending(id) }

    /// The lock file of a rendered tree.
    package func lock(for id: String) -> FilePath { locks.appending(id) }

    /// Makes the directories that are missing; existing ones keep owner and mode.
    ///
    /// All but the trees are for a group that shares the store: members may fetch and remove images.
    func prepare() throws {
        let isNew = !FileSystem.exists(cas)
        try SharedDirectory.makeDataDirectory(dataDirectory)
        let shared = [cas, databaseDirectory, cas.appending("blob"), blobs, temporary]
        for directory in shared { try SharedDirectory.make(directory, mode: StoreLayout.sharedMode) }
        // Whoever makes these can put files into root's trees: in somebody else's store they are left to root.
        if isNew || geteuid() == 0 {
            for directory in [trees, locks] { try SharedDirectory.make(directory, mode: 0o2700) }
        }
    }

    /// Mode of directories in which members of the group make files; new files get the directory's group.
    static let sharedMode: UInt32 = 0o2770
}
