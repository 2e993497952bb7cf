// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt app start`.
package struct AppStartCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start an app of a running pod.",
        usage: "rkt app start --app=NAME UUID\nrkt app start --app=NAME --uuid-file=FILE",
        discussion: """
            An app that has ended begins anew, on the files that it left. One that runs is left alone.
            """, helpNames: [])
    package static let needsRoot = true

    @OptionGroup var selection: AppSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let pod = try selection.pod()
        let runtime = try global.runtime
        return try AppSelection.run { try runtime.startApp(selection.name, in: pod) }
    }
}
