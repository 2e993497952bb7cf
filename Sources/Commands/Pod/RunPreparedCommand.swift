// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt run-prepared`
package struct RunPreparedCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "run-prepared", abstract: "Run a pod that was made by prepare.",
        usage: "rkt run-prepared [flags] UUID\nrkt run-prepared [flags] --uuid-file=FILE",
        discussion: """
            The command ends with the pod. Its status is that of the app that failed first, or 0. Insecure options \
            that were given to prepare are not remembered.
            """, helpNames: [])
    package static let needsRoot = true

    @OptionGroup package var start: StartOptions
    @OptionGroup var selection: PodAndWords
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        _ = try selection.words(0, "")
        let uuid = try selection.pod()
        let runtime = try global.runtime
        guard let format = start.dryRun else { try runtime.runPrepared(uuid, start.options) }
        try context.console.write(PreviewText.text(runtime.previewPrepared(uuid, start.options), format))
        return ExitStatus.success
    }
}
