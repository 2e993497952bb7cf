// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Stage0

/// The flags that follow an image of `run` and `prepare`.
package struct ImageOptions: FollowsImage {
    @Option(help: ArgumentHelp("Name of the app, in place of the image's last name part.", valueName: "name"))
    package var name: String?

    @Option(help: ArgumentHelp("Program to start in place of the image's.", valueName: "path"))
    package var exec: String?

    @Option(help: ArgumentHelp("User to run as: number, name, or a path whose owner is meant.", valueName: "user"))
    package var user: String?

    @Option(help: ArgumentHelp("Group to run as: number, name, or a path whose group is meant.", valueName: "group"))
    package var group: String?

    @Option(help: ArgumentHelp("Further groups: numbers separated by commas.", valueName: "gids"))
    package var supplementaryGids: String?

    @Option(help: ArgumentHelp("Directory to start in.", valueName: "path"))
    package var workingDir: String?

    @Option(help: ArgumentHelp("Whether the root file system is mounted read-only.", valueName: "bool"))
    package var readonlyRootfs: Toggle?

    @Option(help: ArgumentHelp("Variable of the app's environment; may be repeated.", valueName: "name=value"))
    package var environment: [String] = []

    @Option(help: ArgumentHelp("Capabilities to keep, separated by commas; all others go.", valueName: "names"))
    package var capsRetain: String?

    @Option(help: ArgumentHelp("Capabilities to take from the usual set, separated by commas.", valueName: "names"))
    package var capsRemove: String?

    @Option(
        help: ArgumentHelp(
            "System call filter in place of the image's: mode=retain|remove[,errno=NAME],CALL,…", valueName: "filter"))
    package var seccomp: String?

    @Option(help: ArgumentHelp("Limit of the app's memory, as in 128M or 1Gi.", valueName: "amount"))
    package var memory: String?

    @Option(help: ArgumentHelp("Limit of the app's processor time, as in 750m or 2.", valueName: "amount"))
    package var cpu: String?

    @Option(help: ArgumentHelp("Share of the processor time when there is too little of it.", valueName: "weight"))
    package var cpuShares: String?

    @Option(
        help: ArgumentHelp(
            "The app's /proc/self/oom_score_adj, from -1000 to 1000; also spelt --oom-score-adjust.",
            valueName: "number"))
    package var oomScoreAdj: String?

    @Option(
        help: ArgumentHelp(
            "Volume and its place in the app, as in volume=NAME,target=PATH; before any image, for all apps.",
            valueName: "mount"))
    package var mount: [String] = []

    @Option(
        help: ArgumentHelp(
            "Annotation of the app; before any image, of the pod.", valueName: "name=value"))
    package var annotation: [String] = []

    @Option(
        help: ArgumentHelp("The same among the manifest's user annotations.", valueName: "name=value"))
    package var userAnnotation: [String] = []

    @Option(help: ArgumentHelp("The same among the manifest's user labels.", valueName: "name=value"))
    package var userLabel: [String] = []

    @Option(
        help: ArgumentHelp(
            "What the app reads: null, which is also the default; stream or tty, what attached clients type; or "
                + "interactive, as with --interactive.",
            valueName: "mode"), completion: .list(["null", "stream", "tty", "interactive"]))
    package var stdin: String?

    @Option(
        help: ArgumentHelp(
            "Where the app's output goes: log, which is also the default; null; stream or tty, to attached clients; or "
                + "interactive, as with --interactive.",
            valueName: "mode"), completion: .list(["log", "null", "stream", "tty", "interactive"]))
    package var stdout: String?

    @Option(
        help: ArgumentHelp("The same for what the app writes to standard error.", valueName: "mode"),
        completion: .list(["log", "null", "stream", "tty", "interactive"]))
    package var stderr: String?

    @Option(help: ArgumentHelp("File with the image's signature.", valueName: "file"))
    package var signature: String?

    package init() {}

    package static let flagsOfPod: Set<String> = ["annotation", "mount", "user-annotation", "user-label"]

    package static let otherFlags = [
        FlagDefinition("cap-retain", .required, scope: .image, standing: .deprecated(name: "caps-retain", value: nil)),
        FlagDefinition("cap-remove", .required, scope: .image, standing: .deprecated(name: "caps-remove", value: nil)),
        FlagDefinition("oom-score-adjust", .required, scope: .image, standing: .alias(name: "oom-score-adj")),
    ]

    /// The app that an image and what follows it describe.
    package static func request(for image: ImageArguments) throws -> AppRequest {
        let options: ImageOptions
        do {
            options = try parse(CanonicalArguments.of(image.flags))
        } catch {
            throw UsageError(message(for: error))
        }
        var app = AppRequest(image: image.name)
        app.arguments = image.appArguments
        app.name = options.name
        app.exec = options.exec
        app.user = options.user
        app.group = options.group
        app.supplementaryGIDs = options.supplementaryGids
        app.workingDirectory = options.workingDir
        app.readOnlyRootfs = options.readonlyRootfs?.isOn
        app.environment = options.environment
        app.capabilitiesRetain = options.capsRetain
        app.capabilitiesRemove = options.capsRemove
        app.seccomp = options.seccomp
        app.mounts = options.mount
        app.memory = options.memory
        app.cpu = options.cpu
        app.cpuShares = options.cpuShares
        app.oomScoreAdjust = options.oomScoreAdj
        app.annotations = options.annotation
        app.userAnnotations = options.userAnnotation
        app.userLabels = options.userLabel
        app.signature = options.signature
        app.stdin = options.stdin
        app.stdout = options.stdout
        app.stderr = options.stderr
        return app
    }
}
