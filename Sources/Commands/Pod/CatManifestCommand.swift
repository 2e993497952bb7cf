// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import Stage0

/// `rkt cat-manifest`
package struct CatManifestCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "cat-manifest", abstract: "Print the manifest of a pod.",
        usage: "rkt cat-manifest [flags] UUID\nrkt cat-manifest [flags] --uuid-file=FILE", helpNames: [])

    @OptionGroup var output: PrettyPrintOptions
    @OptionGroup var selection: PodSelection
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let runtime = try global.runtime
        let uuid = try runtime.find(selection.pod(), or: "problem retrieving pod")
        let manifest = try runtime.podManifest(uuid).manifest
        try context.console.print(manifest.encoded(pretty: output.prettyPrint.isOn))
        return ExitStatus.success
    }
}
