// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import LinuxPlatform
import SystemPackage

/// Whether a file system tells the types of directory entries (getdents(2)), which overlays need.
enum DirectoryEntryType {
    /// - Parameter path: a directory with entries besides `.` and `..`, whose types some file systems always tell.
    static func isReported(in path: FilePath) throws -> Bool {
        guard let directory = opendir(path.string) else { throw RuntimeError.systemCall("opendir", path, lastErrno) }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            // 0 is DT_UNKNOWN.
            if entry.pointee.d_type == 0 { return false }
        }
        return true
    }
}
