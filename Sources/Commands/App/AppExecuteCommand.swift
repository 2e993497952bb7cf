// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt app exec`.
package struct AppExecuteCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Start a command beside an app that runs.",
        usage: "rkt app exec --app=NAME UUID [--] [COMMAND [ARGUMENT ...]]"
            + "\nrkt app exec --app=NAME --uuid-file=FILE [--] [COMMAND [ARGUMENT ...]]",
        discussion: "The command has the app's files and environment. Without one, /bin/bash is started.",
        helpNames: [])
    package static let grammar = Grammar.podAndCommand
    package static let needsRoot = true

    @OptionGroup var selection: AppSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let pod = try selection.selection.pod()
        do {
            try global.runtime.execute(selection.selection.words, in: selection.name, of: pod)
        } catch let error as RuntimeError where error.code == .timeout {
            throw CommandFailure(error, status: ExitStatus.failure)
        }
    }
}
