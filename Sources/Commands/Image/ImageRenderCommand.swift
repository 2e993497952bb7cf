// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import ImageStore
import Stage0
import SystemPackage

/// `rkt image render`
package struct ImageRenderCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "render", abstract: "Write a stored image to a directory as its apps would see it.",
        usage: "rkt image render [--overwrite] [--rootfs-only] IMAGE DIRECTORY",
        discussion: "The contents of the images it depends on are there, and paths outside its white-list are not.",
        helpNames: [])

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
            try store.render(stored, to: path, rootfsOnly: output.rootfsOnly)
        }
        return ExitStatus.success
    }
}
