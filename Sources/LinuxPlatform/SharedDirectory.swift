// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// Directories that a group may look into, or write to: whatever the umask, new ones have the mode they should have.
package enum SharedDirectory {
    /// Makes the directory that images and pods are kept in, for rkt's group if this host has it. One that exists is used
    /// as it is.
    package static func makeDataDirectory(_ path: FilePath) throws {
        if FileSystem.exists(path) { return }
        let parent = path.removingLastComponent()
        if !parent.isEmpty { try FileSystem.makeDirectories(parent) }
        // What is made in it later gets the directory's group.
        try make(path, mode: 0o2750, group: geteuid() == 0 ? SystemGroup.id(named: SystemGroup.members) : nil)
    }

    /// Makes a directory with exactly this mode, unless it exists.
    ///
    /// - Parameter group: nil for that of the process or of the directory it is made in.
    package static func make(_ path: FilePath, mode: UInt32, group: UInt32? = nil) throws {
        do {
            try FileSystem.makeDirectory(path, mode: mode & 0o700)
        } catch let error as RuntimeError where error.code == .exists {
            return
        }
        if let group, chown(path.string, .max, group) != 0 { throw RuntimeError.systemCall("chown", path, lastErrno) }
        try setMode(mode, of: path)
    }

    /// chmod(2).
    package static func setMode(_ mode: UInt32, of path: FilePath) throws {
        guard chmod(path.string, mode) == 0 else { throw RuntimeError.systemCall("chmod", path, lastErrno) }
    }
}
