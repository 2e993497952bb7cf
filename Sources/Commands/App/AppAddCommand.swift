// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0
import SystemPackage

/// `rkt app add`.
package struct AppAddCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add an app to a running pod.",
        usage: "rkt app add UUID IMAGE [image flags] [-- ARGUMENT ...]"
            + "\nrkt app add --uuid-file=FILE IMAGE [image flags] [-- ARGUMENT ...]",
        discussion: """
            The pod is one that `rkt app sandbox` runs. The image is looked for in the store only: `rkt fetch` gets it \
            there. The app is started by `rkt app start`.
            """, helpNames: [])
    package static let grammar = Grammar.images(withArguments: true)
    package static let needsRoot = true
    package static let otherFlags =
        ImageOptions.otherFlags + [
            FlagDefinition("app", .required, scope: .image, standing: .alias(name: "name"))
        ]

    @Option(help: ArgumentHelp("File with the pod's UUID, which is then left out.", valueName: "file"))
    package var uuidFile: String?

    @Option(
        help: ArgumentHelp(
            "Volume of the pod, as in NAME,kind=host,source=PATH or NAME,kind=empty; may be repeated.",
            valueName: "volume"))
    package var volume: [String] = []

    @Option(
        help: ArgumentHelp(
            "Volume and its place in the app at once, as in name=NAME,kind=host,source=PATH,target=PATH; may be repeated.",
            valueName: "volume"))
    package var mntVolume: [String] = []

    @OptionGroup(title: "Image options") package var image: ImageOptions
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    /// The pod and the app that the command line describes.
    package func request(_ context: CommandContext) throws -> (pod: String, app: AppRequest) {
        var images = context.images
        let pod: String
        if let uuidFile {
            pod = try PodRuntime.uuid(fromFile: FilePath(uuidFile))
        } else {
            guard let first = images.first else { throw UsageError("must provide a pod's UUID and an image") }
            guard first.appArguments.isEmpty else { throw UsageError("-- must follow an image") }
            images.removeFirst()
            pod = first.name
            // What stands between them can only be the image's.
            if !images.isEmpty { images[0].flags = first.flags + images[0].flags }
        }
        guard images.count == 1 else { throw UsageError("must provide one image, not \(images.count)") }
        var app = try ImageOptions.request(for: images[0])
        app.mounts = image.mount + app.mounts
        app.annotations = image.annotation + app.annotations
        app.userAnnotations = image.userAnnotation + app.userAnnotations
        app.userLabels = image.userLabel + app.userLabels
        app.mountedVolumes = mntVolume
        return (pod, app)
    }

    package func execute(_ context: CommandContext) throws -> Int32 {
        let (pod, app) = try request(context)
        let runtime = try global.runtime
        return try AppSelection.run { try runtime.addApp(app, to: pod, volumes: volume) }
    }
}
