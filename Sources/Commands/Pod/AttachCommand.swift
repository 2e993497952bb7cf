// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Stage0

/// `rkt attach`
package struct AttachCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Share the streams of an app of a running pod.",
        usage: "rkt attach [--app=NAME] [--mode=MODE] [--end-input] UUID\nrkt attach [flags] --uuid-file=FILE",
        discussion: """
            The app has to be started with --stdin, --stdout or --stderr set to stream or tty. It goes on when this \
            command ends, as it does when Ctrl-] is pressed three times on a terminal.
            """,
        helpNames: [])
    package static let needsRoot = true

    @Option(help: ArgumentHelp("Name of the app; may be left out when the pod has only one.", valueName: "name"))
    var app: String?
    @Option(
        help: ArgumentHelp(
            "What to attach to: auto for all there is; list to print that; tty, tty-in or tty-out; or some of "
                + "stdin,stdout,stderr.",
            valueName: "mode"), completion: .list(AttachMode.examples))
    var mode = "auto"
    @Flag(help: "Pass the end of standard input on to the app.")
    var endInput = false
    @OptionGroup var selection: PodSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let mode = try AttachMode(parsing: mode)
        try global.runtime.attach(selection.pod(), app: app, mode: mode, endsInput: endInput)
    }
}
