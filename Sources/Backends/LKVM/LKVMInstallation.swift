// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// Where the program of kvmtool is on this host.
package struct LKVMInstallation: Sendable, Equatable {
    package let program: FilePath?

    package init(program: FilePath?) {
        self.program = program
    }

    /// The program's path.
    package func requireProgram() throws -> FilePath {
        guard let program else {
            throw RuntimeError(
                .notFound,
                "lkvm is not in PATH; Debian 12 has no package of it: build it from the source of kvmtool, and name it as "
                    + "\"binary\" in the configuration if it is elsewhere")
        }
        return program
    }

    /// Looks for the program by the two names that it is installed by.
    ///
    /// - Parameters:
    ///   - program: used in place of the one that would be found.
    ///   - searchPath: directories separated by colons, as in `PATH`; relative ones are skipped.
    package static func probe(
        program: FilePath? = nil, searchPath: String? = ProcessImage.variable("PATH")
    ) -> LKVMInstallation {
        let directories = ProgramSearch.directories(searchPath)
        return LKVMInstallation(
            program: program ?? ProgramSearch.find("lkvm", in: directories)
                ?? ProgramSearch.find("kvmtool", in: directories))
    }
}
