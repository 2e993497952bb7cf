// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import ImageFetch
import Stage0
import SystemPackage

/// What a pod is made of, for `run` and `prepare`.
package struct PodOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Manifest of the pod, in place of images and of all flags that describe one.", valueName: "file"))
    package var podManifest: String?

    @Option(
        help: ArgumentHelp("Copy the images in place of laying the pod's files over them.", valueName: "bool"))
    package var noOverlay: Toggle?

    @Option(help: ArgumentHelp("Variable of all apps' environment; may be repeated.", valueName: "name=value"))
    package var setEnv: [String] = []

    @Option(
        help: ArgumentHelp(
            "File with variables of all apps' environment, one in each line; may be repeated.", valueName: "file"))
    package var setEnvFile: [String] = []

    @Flag(help: "Give apps this program's environment where nothing else sets a variable.")
    package var inheritEnv = false

    @Option(
        help: ArgumentHelp(
            "Volume of the pod, as in NAME,kind=host,source=PATH or NAME,kind=empty; may be repeated.",
            valueName: "volume"))
    package var volume: [String] = []

    @Option(
        help: ArgumentHelp(
            "Port of an app to expose on the host, as in NAME:[HOSTIP:]HOSTPORT; may be repeated.",
            valueName: "port"))
    package var port: [String] = []

    @Flag(help: "Keep the pod's users apart from the host's, which a virtual machine does in any case.")
    package var privateUsers = false

    @Option(
        help: ArgumentHelp(
            "When to look for an image elsewhere than in the store: new (if it is not there), update or never.",
            valueName: "policy"))
    package var pullPolicy = PullPolicy.new

    @Flag(help: "Print the pod's UUID at most.")
    package var quiet = false

    @Option(help: ArgumentHelp("File to write the pod's UUID to.", valueName: "file"))
    package var uuidFileSave: String?

    package init() {}

    package static let otherFlags =
        [
            FlagDefinition("no-store", .toggle, standing: .deprecated(name: "pull-policy", value: "update")),
            FlagDefinition("store-only", .toggle, standing: .deprecated(name: "pull-policy", value: "never")),
        ] + ImageOptions.otherFlags

    /// Flags that cannot be combined with a pod manifest; neither can an image or anything that follows one.
    private static let conflicts: Set<String> = [
        "inherit-env", "no-store", "store-only", "port", "set-env", "set-env-file", "volume", "mount", "annotation",
        "user-annotation", "user-label",
    ]

    /// The pod that the command line describes.
    package func request(stage1: Stage1Options, ofPod: ImageOptions, _ context: CommandContext) throws -> PodRequest {
        var request = PodRequest()
        if let podManifest {
            guard context.images.isEmpty, context.givenFlags.isDisjoint(with: PodOptions.conflicts) else {
                throw RuntimeError(.invalidArgument, "conflicting flags set with --pod-manifest (see --help)")
            }
            request.podManifest = FilePath(podManifest)
        } else if context.images.isEmpty {
            throw RuntimeError(.invalidArgument, "must provide at least one image or specify the pod manifest")
        }
        request.apps = try context.images.map(ImageOptions.request(for:))
        request.stage1 = stage1.selection
        request.pullPolicy = pullPolicy
        request.storage =
            switch noOverlay {
            case nil: .overlayWherePossible
            case let flag?: flag.isOn ? .copies : .overlay
            }
        request.setEnvironment = setEnv
        request.setEnvironmentFiles = setEnvFile.map { FilePath($0) }
        request.inheritsEnvironment = inheritEnv
        request.volumes = volume
        request.mounts = ofPod.mount
        request.ports = port
        request.privateUsers = privateUsers
        request.annotations = ofPod.annotation
        request.userAnnotations = ofPod.userAnnotation
        request.userLabels = ofPod.userLabel
        return request
    }
}
