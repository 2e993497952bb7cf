// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import ImageStore
import Stage0

/// `rkt image cat-manifest`
package struct ImageCatManifestCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "cat-manifest", abstract: "Print the manifest of a stored image.",
        usage: "rkt image cat-manifest [flags] IMAGE", helpNames: [])

    @OptionGroup var output: PrettyPrintOptions
    @OptionGroup(title: "Global options") package var global: GlobalOptions
    @Argument var image: String

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        let manifest = try runtime.openImages().manifest(of: runtime.storedImage(image))
        try context.console.print(manifest.encoded(pretty: output.prettyPrint.isOn))
        return ExitStatus.success
    }
}
