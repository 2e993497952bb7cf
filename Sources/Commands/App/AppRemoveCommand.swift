// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt app rm`.
package struct AppRemoveCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove an app from a running pod.",
        usage: "rkt app rm --app=NAME UUID\nrkt app rm --app=NAME --uuid-file=FILE",
        discussion: """
            An app that runs is stopped first. Its files and its status go, what it has written to the journal stays. Its name is free for another app then.
            """, helpNames: [])
    package static let needsRoot = true

    @OptionGroup var selection: AppSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let pod = try selection.pod()
        let runtime = try global.runtime
        return try AppSelection.run { try runtime.removeApp(selection.name, in: pod) }
    }
}
