// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics

/// `rkt completion SHELL`
package struct CompletionCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print what makes a shell complete commands, flags and their values.",
        usage: "rkt completion SHELL",
        discussion: """
            SHELL is bash, zsh or fish. `source <(rkt completion bash)` is enough for the shell that is running; \
            `make install` puts the scripts where the shells look for them.
            """, helpNames: [])

    @Argument(help: ArgumentHelp("bash, zsh or fish.", valueName: "shell"), transform: Shell.init(parsing:))
    package var shell: Shell
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        try context.console.write(shell.completion)
        return ExitStatus.success
    }
}

extension Shell {
    /// - Throws: for what is none of the three.
    init(parsing word: String) throws {
        guard let shell = Shell(rawValue: word) else {
            throw RuntimeError(.invalidArgument, "there is no completion for \"\(word)\"; expected bash, zsh or fish")
        }
        self = shell
    }
}
