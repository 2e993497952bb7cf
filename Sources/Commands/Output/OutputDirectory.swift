// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// A directory that a command makes: it has its name when it is complete, and not before.
package enum OutputDirectory {
    /// Makes a directory beside the final one and gives it its name at the end.
    ///
    /// - Parameters:
    ///   - overwrite: whether what has the name now makes way; it stays if anything fails.
    ///   - fill: makes the directory at the path it gets; after an error nothing of it may be left.
    package static func write(_ path: FilePath, overwrite: Bool, fill: (FilePath) throws -> Void) throws {
        guard let name = path.lastComponent, name.kind == .regular else {
            throw RuntimeError(.invalidArgument, "\"\(path)\" cannot be made or replaced; name a directory in it")
        }
        if !overwrite, FileSystem.exists(path) { throw existing }
        let partial = path.removingLastComponent().appending(".\(name.string).\(TimeText.now).partial")
        try fill(partial)
        do {
            try place(partial, at: path, overwrite: overwrite)
        } catch {
            do {
                try FileSystem.removeTree(partial)
            } catch let cleanup {
                throw CleanupError(primary: error, cleanup: cleanup)
            }
            throw error
        }
    }

    private static func place(_ partial: FilePath, at final: FilePath, overwrite: Bool) throws {
        do {
            return try FileSystem.rename(partial, to: final, replace: false)
        } catch let error as RuntimeError where error.code == .exists {
            guard overwrite else { throw existing }
        }
        let old = FilePath(partial.string + ".old")
        try FileSystem.rename(final, to: old, replace: false)
        do {
            try FileSystem.rename(partial, to: final, replace: false)
        } catch {
            try FileSystem.rename(old, to: final, replace: false)
            throw error
        }
        try FileSystem.removeTree(old)
    }

    private static var existing: RuntimeError {
        RuntimeError(.exists, "output directory exists (try --overwrite)")
    }
}
