// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import Stage0

/// `rkt app status`.
package struct AppStatusCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Print the state of an app of a pod.",
        usage: "rkt app status --app=NAME UUID\nrkt app status --app=NAME --uuid-file=FILE",
        discussion: "The command ends with status 1 when the pod has no such app.", helpNames: [])
    package static let needsRoot = true

    @Option(help: ArgumentHelp("Print an object: json or json-pretty.", valueName: "format"))
    var format: OutputFormat?
    @OptionGroup var selection: AppSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let pod = try selection.pod()
        let runtime = try global.runtime
        // A pod that does not exist is another error than an app that does not.
        let apps = try runtime.apps(of: pod)
        do {
            let app = try runtime.app(selection.name, among: apps)
            try context.console.write(AppText.status(app, format ?? .text))
            return ExitStatus.success
        } catch let error as RuntimeError where error.code == .notFound {
            throw CommandFailure(error, status: ExitStatus.failure)
        }
    }
}
