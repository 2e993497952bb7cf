// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt rm`
package struct RemoveCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove pods that do not run, with all that belongs to them.",
        usage: "rkt rm UUID ...\nrkt rm --uuid-file=FILE", helpNames: [])
    package static let needsRoot = true

    @OptionGroup var selection: PodSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        return try context.forEach(
            selection.pods(), of: runtime, summary: { _ in "failed to remove one or more pods" }
        ) { pod in
            try context.console.print("\"\(runtime.remove(pod))\"")
        }
    }
}
