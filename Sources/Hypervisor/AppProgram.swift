// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform

/// The program of an app that runs on the host's kernel without anything beside it.
package struct AppProgram: Sendable, Equatable {
    /// From argv[0] on; a name without a slash is looked for in the environment's PATH, inside the app's root.
    package var arguments: [String]
    /// `NAME=value` each.
    package var environment: [String]
    package var user: ProgramUser
    /// Inside the app's root.
    package var workingDirectory: String
    /// Whether set-user-ID bits mean nothing to it.
    package var noNewPrivileges = false
    /// Whether nothing can be written to its root, other than to volumes.
    package var hasReadOnlyRoot = false
    /// Those of its standard descriptors, 0 to 2, that are `/dev/null`; the others are this process's.
    package var nullDescriptors: [Int32] = []

    package init(arguments: [String], environment: [String], user: ProgramUser, workingDirectory: String = "/") {
        self.arguments = arguments
        self.environment = environment
        self.user = user
        self.workingDirectory = workingDirectory
    }
}
