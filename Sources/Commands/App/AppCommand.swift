// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Changes the apps of a pod while it runs.
package struct AppCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "app",
        abstract: "Change the apps of a pod while it runs.",
        usage: "rkt app COMMAND [flags] [arguments]",
        subcommands: [
            AppSandboxCommand.self, AppAddCommand.self, AppStartCommand.self, AppStopCommand.self,
            AppRemoveCommand.self, AppListCommand.self, AppStatusCommand.self, AppExecuteCommand.self,
        ],
        helpNames: [])

    package init() {}
}
