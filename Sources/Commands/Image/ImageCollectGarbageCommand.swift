// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// `rkt image gc`
package struct ImageCollectGarbageCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Remove images not used for a while, and trees that no pod needs.",
        usage: "rkt image gc [--grace-period=TIME]", helpNames: [])

    @Option(help: ArgumentHelp("Time since an image was last used.", valueName: "time"))
    var gracePeriod = TimeSpan.hours(24)
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let garbage = try global.runtime.collectImages(gracePeriod: gracePeriod.nanoseconds)
        for tree in garbage.trees { context.console.tell("gc: removed treestore \"\(tree)\"") }
        for image in garbage.images {
            try context.console.print("successfully removed aci for image: \"\(image.id.key)\"")
        }
        if !garbage.images.isEmpty {
            context.console.tell("gc: \(garbage.images.count) image(s) successfully removed")
        }
        return ExitStatus.success
    }
}
