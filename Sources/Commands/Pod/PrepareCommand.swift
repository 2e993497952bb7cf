// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0
import SystemPackage

/// `rkt prepare`
package struct PrepareCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "Make a pod that run-prepared can start at once, and print its UUID.",
        usage: "rkt prepare [flags] IMAGE [image flags] [-- ARGUMENT... [---]] [IMAGE ...]"
            + "\nrkt prepare [flags] --pod-manifest=FILE",
        discussion: "Images and their flags are given as to `rkt run`.", helpNames: [])
    package static let grammar = Grammar.images(withArguments: true)
    package static let needsRoot = true
    package static let otherFlags = PodOptions.otherFlags

    @OptionGroup package var pod: PodOptions
    @OptionGroup package var stage1: Stage1Options
    @OptionGroup(title: "Image options") package var image: ImageOptions
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let request = try pod.request(stage1: stage1, ofPod: image, context)
        let runtime = try global.runtime(quiet: pod.quiet)
        let uuid = try runtime.prepare(request, uuidFileSave: pod.uuidFileSave.map { FilePath($0) })
        try context.console.print(uuid.description)
        return ExitStatus.success
    }
}
