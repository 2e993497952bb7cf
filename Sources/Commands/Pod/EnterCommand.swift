// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt enter`
package struct EnterCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "enter", abstract: "Start a command beside an app of a running pod.",
        usage: "rkt enter [--app=NAME] UUID [COMMAND [ARGUMENT ...]]"
            + "\nrkt enter [--app=NAME] --uuid-file=FILE [COMMAND [ARGUMENT ...]]",
        discussion: "The command has the app's files and environment. Without one, /bin/bash is started.",
        helpNames: [])
    package static let grammar = Grammar.flagsFirst
    package static let needsRoot = true

    @Option(help: ArgumentHelp("Name of the app; may be left out when the pod has only one.", valueName: "name"))
    var app: String?
    @OptionGroup var selection: PodAndWords
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        do {
            try global.runtime.enter(selection.pod(), app: app, command: selection.words)
        } catch let error as RuntimeError where error.code == .timeout {
            throw CommandFailure(error, status: ExitStatus.failure)
        }
    }
}
