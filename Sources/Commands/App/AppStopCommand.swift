// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt app stop`.
package struct AppStopCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop an app of a running pod.",
        usage: "rkt app stop --app=NAME UUID\nrkt app stop --app=NAME --uuid-file=FILE",
        discussion: """
            The app is asked to end; after ten seconds it is killed. The pod goes on. An app that does not run is left alone.
            """, helpNames: [])
    package static let needsRoot = true

    @OptionGroup var selection: AppSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let pod = try selection.pod()
        let runtime = try global.runtime
        return try AppSelection.run { try runtime.stopApp(selection.name, in: pod) }
    }
}
