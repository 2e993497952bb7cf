// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser
import Diagnostics
import ImageFetch
import Stage0

/// `rkt fetch`
package struct FetchCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Put images into the store and print their IDs.",
        usage: "rkt fetch [flags] IMAGE [--signature=FILE] [IMAGE ...]",
        discussion: """
            An image is the path of a file, a URL (https), the name of an image on the web, an image of a registry \
            (docker://NAME), one of an OCI layout (oci:PATH[:REFERENCE]), or the ID of a stored one. What an image \
            depends on is fetched, too. Images must be signed by somebody who is trusted for their name. For root, \
            images are unpacked right away.
            """, helpNames: [])
    package static let grammar = Grammar.images(withArguments: false)
    package static let otherFlags = [
        FlagDefinition("no-store", .toggle, standing: .deprecated(name: "pull-policy", value: "update")),
        FlagDefinition("store-only", .toggle, standing: .deprecated(name: "pull-policy", value: "never")),
    ]

    @Flag(help: "Print IDs in full.")
    var full = false
    @Option(
        help: ArgumentHelp(
            "When to look for an image elsewhere than in the store: new (if it is not there), update or never.",
            valueName: "policy"))
    var pullPolicy = PullPolicy.update
    @OptionGroup(title: "Image options") var image: FetchedImageOptions
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        guard !context.images.isEmpty else { throw UsageError("must provide at least one image") }
        let runtime = try global.runtime
        for image in context.images {
            let options = try FetchedImageOptions.parse(CanonicalArguments.of(image.flags))
            let fetched = try runtime.fetch(image.name, signature: options.signature, policy: pullPolicy)
            runtime.renderInAdvance(fetched)
            try context.console.print(full ? fetched.id.key : String(fetched.id.key.prefix("sha512-".count + 32)))
        }
        return ExitStatus.success
    }
}

/// The flags that follow an image of `fetch`.
package struct FetchedImageOptions: FollowsImage {
    @Option(help: ArgumentHelp("File with the image's signature.", valueName: "file"))
    package var signature: String?

    package init() {}

    package static let flagsOfPod: Set<String> = []
}
