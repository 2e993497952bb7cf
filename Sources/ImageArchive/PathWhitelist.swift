// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The paths an image allows below `rootfs`: an exact, complete list without patterns or prefixes.
package struct PathWhitelist: Hashable, Sendable {
    private let paths: Set<FilePath>

    /// - Parameter entries: `pathWhitelist` of a manifest; a leading or trailing slash is optional.
    /// - Returns: nil for an empty list, which filters nothing.
    package init?(_ entries: [String]) {
        guard !entries.isEmpty else { return nil }
        paths = Set(
            entries.map { entry in
                var path = FilePath(entry)
                path.root = nil
                return ArchiveName.root.pushing(path).lexicallyNormalized()
            })
    }

    /// - Parameter path: an entry's cleaned path, `rootfs` included.
    func allows(_ path: FilePath) -> Bool { paths.contains(path) }
}
