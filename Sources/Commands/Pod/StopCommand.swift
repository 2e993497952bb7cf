// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt stop`
package struct StopCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop running pods.",
        usage: "rkt stop [--force] UUID ...\nrkt stop [--force] --uuid-file=FILE", helpNames: [])

    @Flag(help: "Do not give the apps time to end.")
    var force = false
    @OptionGroup var selection: PodSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        return try context.forEach(selection.pods(), of: runtime, summary: { "failed to stop \($0) pod(s)" }) { pod in
            let (uuid, wasRunning) = try runtime.stop(pod, force: force)
            if wasRunning {
                try context.console.print("\"\(uuid)\"")
            } else {
                runtime.notices.write(context.component, "pod \"\(uuid)\" is already stopped")
            }
        }
    }
}
