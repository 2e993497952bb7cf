// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import Stage0

/// `rkt fetch`
package struct FetchCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Put images into the store and print their IDs.",
        usage: "rkt fetch [flags] IMAGE ...", helpNames: [])
    package static let grammar = Grammar.images(withArguments: false)
    package static let otherFlags = [
        FlagDefinition("no-store", .toggle, standing: .deprecated(name: "pull-policy", value: "update")),
        FlagDefinition("store-only", .toggle, standing: .deprecated(name: "pull-policy", value: "never")),
        FlagDefinition("signature", .required, scope: .image, standing: .unsupported("use --insecure-options=image")),
    ]

    @Flag(help: "Print IDs in full.")
    var full = false
    @Option(
        help: ArgumentHelp(
            "When to look for an image elsewhere than in the store: new (if it is not there), update or never.",
            valueName: "policy"))
    var pullPolicy = PullPolicy.update
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        guard !context.images.isEmpty else { throw UsageError("must provide at least one image") }
        let runtime = global.runtime
        for image in context.images {
            let id = try runtime.fetch(image.name).id
            try context.console.print(full ? id.key : String(id.key.prefix("sha512-".count + 32)))
        }
        return ExitStatus.success
    }
}
