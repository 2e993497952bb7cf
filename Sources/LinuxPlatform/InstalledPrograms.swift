// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The programs that are installed with `rkt` and that users do not call.
package enum InstalledPrograms {
    /// `PREFIX/libexec/rkt` for `PREFIX/bin/rkt`; for an executable that is not in a directory `bin` it is `libexec/rkt`
    /// beside it.
    package static func directory(forExecutable executable: FilePath) -> FilePath {
        var directory = executable.removingLastComponent()
        if directory.lastComponent == "bin" { directory.removeLastComponent() }
        return directory.appending("libexec").appending("rkt")
    }

    /// Those that belong to the running program.
    package static func directory() throws -> FilePath {
        directory(forExecutable: FilePath(try FileSystem.readSymbolicLink("/proc/self/exe")))
    }
}
