// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// A directory of an app's root that an empty volume begins with.
package struct VolumeContents: Sendable, Equatable {
    let root: FilePath
    /// Links on the way lead no further than the root.
    let path: FilePath

    package init(root: FilePath, path: FilePath) {
        self.root = root
        self.path = path
    }

    /// Copies the directory, with its owner and mode, to a path where nothing is.
    ///
    /// - Returns: false when there is nothing to copy, because it is not there or is no directory.
    package func copy(to target: FilePath) throws -> Bool {
        guard let found = try? FileSystem.openInRoot(root, path, flags: O_RDONLY | O_DIRECTORY) else { return false }
        defer { try? found.close() }
        // Links are resolved by now, and nothing runs yet that could change them.
        let source = try FileSystem.readSymbolicLink(FilePath("/proc/self/fd/\(found.rawValue)"))
        do {
            try TreeCopy.copy(FilePath(source), to: target)
        } catch {
            throw RuntimeError(.internal, "cannot fill a volume with \(path) of its image", cause: error)
        }
        return true
    }
}
