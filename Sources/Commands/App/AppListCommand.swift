// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import Stage0

/// `rkt app list`.
package struct AppListCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the apps of a pod and their states.",
        usage: "rkt app list [flags] UUID\nrkt app list [flags] --uuid-file=FILE",
        discussion: "Apps are listed in the order in which they were added. States are created, running and exited.",
        helpNames: [])
    package static let needsRoot = true

    @Flag(help: "Leave out the line with the columns' names.")
    var noLegend = false
    @Option(help: ArgumentHelp("Print an array: json or json-pretty.", valueName: "format"))
    var format: OutputFormat?
    @OptionGroup var selection: PodAndWords
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        _ = try selection.words(0, "")
        let apps = try global.runtime.apps(of: selection.pod())
        try context.console.write(AppText.list(apps, legend: !noLegend, format ?? .text))
        return ExitStatus.success
    }
}
