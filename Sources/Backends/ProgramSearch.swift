// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// How programs of the host are looked for.
enum ProgramSearch {
    /// Used when the environment has no PATH, as under a service manager with a bare environment.
    private static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// - Parameter searchPath: directories separated by colons, as in `PATH`; relative ones are skipped.
    static func directories(_ searchPath: String?) -> [FilePath] {
        (searchPath ?? defaultPath).split(separator: ":").map { FilePath(String($0)) }.filter(\.isAbsolute)
    }

    /// The first of the files with that name that can be executed.
    static func find(_ program: String, in directories: [FilePath]) -> FilePath? {
        directories.lazy.map { $0.appending(program) }.first { path in
            guard let status = try? FileSystem.status(path, followSymbolicLink: true) else { return false }
            return status.type == .regular && status.mode & 0o111 != 0
        }
    }
}
