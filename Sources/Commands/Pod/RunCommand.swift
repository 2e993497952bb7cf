// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0
import SystemPackage

/// `rkt run`
package struct RunCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run images in a new pod.",
        usage:
            "rkt run [flags] IMAGE [image flags] [-- ARGUMENT... [---]] [IMAGE ...]"
            + "\nrkt run [flags] --pod-manifest=FILE",
        discussion: """
            An image is what `rkt fetch` takes; what is in the store already is not fetched again unless \
            --pull-policy says so. The flags for an image follow it; arguments for its app stand between `--` and `---`.

            The command ends with the pod. Its status is that of the app that failed first, or 0.
            """, helpNames: [])
    package static let grammar = Grammar.images(withArguments: true)
    package static let needsRoot = true
    package static let otherFlags = PodOptions.otherFlags

    @OptionGroup package var pod: PodOptions
    @OptionGroup package var start: StartOptions
    @OptionGroup package var stage1: Stage1Options
    @OptionGroup(title: "Image options") package var image: ImageOptions
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let request = try pod.request(stage1: stage1, ofPod: image, context)
        var options = start.options
        options.uuidFileSave = pod.uuidFileSave.map { FilePath($0) }
        let runtime = try global.runtime(quiet: pod.quiet)
        guard let format = start.dryRun else { try runtime.run(request, options) }
        try context.console.write(PreviewText.text(runtime.preview(request, options), format))
        return ExitStatus.success
    }
}
