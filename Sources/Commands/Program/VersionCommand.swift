// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics

/// `rkt version`
package struct VersionCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the versions of this program and what it was built with.",
        usage: "rkt version", helpNames: [])

    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        try context.console.write(VersionCommand.text)
        return ExitStatus.success
    }

    package static let text = """
        rkt Version: \(Version.current)
        appc Version: \(Version.appContainer)
        Swift Version: \(compiler)
        Swift OS/Arch: linux/\(architecture)
        Features: \(features)

        """

    /// There is no other way to ask than by comparing.
    private static var compiler: String {
        #if compiler(>=6.5)
            "6.5"
        #elseif compiler(>=6.4)
            "6.4"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }

    /// As appc names architectures (spec/types.md).
    private static var architecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "aarch64"
        #else
            "unknown"
        #endif
    }

    private static var features: String { "-TPM -SDJOURNAL" }
}
