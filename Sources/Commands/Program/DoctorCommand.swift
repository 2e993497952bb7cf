// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt doctor`
package struct DoctorCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Tell what this host can run, and why not.",
        usage: "rkt doctor [flags]",
        discussion: """
            First comes what rkt needs of the host or can use, each line with a state: ok, limited (it works, and \
            something that it could do does not), missing, or failed (it is there and cannot be used). Then come the \
            installed stage1 images, and what can run their pods; a star is before what pods get that ask for nothing. \
            Nothing is made, changed or fetched.

            The status is 0 when whoever asks can run a pod with the default stage1 image, 1 when not, and 254 when \
            that cannot be found out.
            """, helpNames: [])

    @Option(help: ArgumentHelp("Print an object: json or json-pretty.", valueName: "format"))
    var format: OutputFormat?
    @Flag(help: "Leave out the lines with the columns' names.")
    var noLegend = false
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        // What is wrong with the configuration is part of the answer.
        let report = try PodRuntime(global.settings(ignoresBrokenPaths: true)).survey()
        let text =
            switch format ?? .text {
            case .text: DoctorTable.text(report, legend: !noLegend)
            case .json: report.json.encoded(pretty: false) + "\n"
            case .jsonPretty: report.json.encoded(pretty: true) + "\n"
            }
        try context.console.write(text)
        return report.isRunnable ? ExitStatus.success : ExitStatus.failure
    }
}
