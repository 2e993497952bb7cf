// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import ImageStore
import Stage0
import SystemPackage

/// `rkt image extract`
package struct ImageExtractCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "extract", abstract: "Write the contents of a stored image to a directory.",
        usage: "rkt image extract [--overwrite] [--rootfs-only] IMAGE DIRECTORY",
        discussion: "What the image depends on is left out; \"rkt image render\" writes that, too.", helpNames: [])

    @OptionGroup var output: OutputDirectoryOptions
    @OptionGroup(title: "Global options") package var global: GlobalOptions
    @Argument var image: String
    @Argument var directory: String

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        let store = try runtime.openImages()
        let stored = try runtime.storedImage(image)
        try OutputDirectory.write(FilePath(directory), overwrite: output.overwrite) { path in
            try store.extract(stored, to: path, rootfsOnly: output.rootfsOnly)
        }
        return ExitStatus.success
    }
}
