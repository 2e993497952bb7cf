// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import SystemPackage

/// The program this process runs.
package enum ProcessImage {
    /// execve(2): replaces this program; returns only by throwing.
    package static func execute(_ path: FilePath, arguments: [String], environment: [String]) throws -> Never {
        let argv = CStringArray(arguments)
        let envp = CStringArray(environment)
        execve(path.string, argv.pointer, envp.pointer)
        throw RuntimeError.systemCall("execute", path, lastErrno)
    }

    /// The environment of this process, `NAME=value` each.
    package static var environment: [String] {
        var result: [String] = []
        var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let entry = pointer.pointee {
            result.append(String(cString: entry))
            pointer += 1
        }
        return result
    }

    /// One variable of this process's environment.
    package static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
