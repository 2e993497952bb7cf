// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// A file that a command writes: it has its name when it is complete, and not before.
package struct OutputFile {
    package let path: FilePath
    /// Where the bytes are until then.
    package let partial: FilePath
    private let overwrite: Bool
    /// Whether bytes go right to the name: a device, a pipe or a link cannot be replaced by a file.
    package let isDirect: Bool

    /// - Parameter overwrite: whether a file that has the name may be replaced.
    /// - Returns: nil when there is such a file and it may not.
    package init?(_ path: FilePath, overwrite: Bool) throws {
        self.path = path
        self.overwrite = overwrite
        if FileSystem.exists(path) {
            guard overwrite else { return nil }
            isDirect = try FileSystem.status(path).type != .regular
        } else {
            isDirect = false
        }
        guard path.lastComponent?.kind == .regular else {
            throw RuntimeError(.invalidArgument, "\"\(path)\" is no name for a file")
        }
        partial = isDirect ? path : FilePath("\(path).\(TimeText.now).partial")
    }

    /// Opens the file, lets it be written, and closes it.
    package func write<Result>(_ body: (FileDescriptor) throws -> Result) throws -> Result {
        let output: FileDescriptor
        do {
            output = try FileDescriptor.open(
                partial, isDirect ? .writeOnly : .readWrite,
                options: isDirect
                    ? [.truncate, .closeOnExec]
                    : [
                        .create, .exclusiveCreate, .closeOnExec,
                    ], permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch let error as Errno {
            throw RuntimeError.systemCall("open", path, error)
        }
        let result: Result
        do {
            result = try body(output)
        } catch {
            try? output.close()
            throw error
        }
        do {
            try output.close()
        } catch let error as Errno {
            throw RuntimeError.systemCall("close", path, error)
        }
        return result
    }

    /// Gives the file its name; false when somebody else has made a file of that name meanwhile, which stays.
    package func place() throws -> Bool {
        if isDirect { return true }
        do {
            try FileSystem.rename(partial, to: path, replace: overwrite)
            return true
        } catch let error as RuntimeError where error.code == .exists {
            return false
        }
    }

    /// Removes what has been written, unless it has its name; safe to repeat.
    package func discard() {
        if !isDirect { try? FileSystem.remove(partial) }
    }
}
