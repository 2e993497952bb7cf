// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import HostConfiguration
import ImageFetch
import Stage0
import SystemPackage

/// `rkt app sandbox`.
package struct AppSandboxCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "sandbox", abstract: "Run a pod without apps, which can be added while it runs.",
        usage: "rkt app sandbox [flags]",
        discussion: """
            The command ends with the pod, when that is stopped; that apps fail or end does not end it. What its apps \
            print is printed here.
            """, helpNames: [])
    package static let needsRoot = true
    package static let otherFlags = [
        FlagDefinition("no-store", .toggle, standing: .deprecated(name: "pull-policy", value: "update")),
        FlagDefinition("store-only", .toggle, standing: .deprecated(name: "pull-policy", value: "never")),
    ]

    @Option(
        help: ArgumentHelp(
            "Port of the pod to expose on the host, as in NAME:PROTOCOL:PORT:[HOSTIP:]HOSTPORT; may be repeated.",
            valueName: "port"))
    package var port: [String] = []

    @Option(
        help: ArgumentHelp(
            "Memory of a virtual machine's apps together, as in 512M or 2Gi. (default: what is configured, or a quarter of "
                + "the host's)",
            valueName: "amount"))
    package var memory: String?

    @Option(
        help: ArgumentHelp(
            "Processors of a virtual machine. (default: what is configured, or the host's, 8 at most)",
            valueName: "number"))
    package var cpu: String?

    @Option(help: ArgumentHelp("Copy images in place of laying the pod's files over them.", valueName: "bool"))
    package var noOverlay: Toggle?

    @Flag(help: "Keep the pod's users apart from the host's, which a virtual machine does in any case.")
    package var privateUsers = false

    @Option(help: ArgumentHelp("Annotation of the pod; may be repeated.", valueName: "name=value"))
    package var annotation: [String] = []

    @Option(help: ArgumentHelp("The same among the manifest's user annotations.", valueName: "name=value"))
    package var userAnnotation: [String] = []

    @Option(help: ArgumentHelp("The same among the manifest's user labels.", valueName: "name=value"))
    package var userLabel: [String] = []

    @Option(
        help: ArgumentHelp(
            "When to look for the stage1 image elsewhere than in the store: new (if it is not there), update or never.",
            valueName: "policy"))
    package var pullPolicy = PullPolicy.new

    @Option(help: ArgumentHelp("File to write the pod's UUID to.", valueName: "file"))
    package var uuidFileSave: String?

    @OptionGroup package var start: StartOptions
    @OptionGroup package var stage1: Stage1Options
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    /// The pod that the command line describes.
    package var request: PodRequest {
        var request = PodRequest()
        request.isMutable = true
        request.stage1 = stage1.selection
        request.pullPolicy = pullPolicy
        request.storage =
            switch noOverlay {
            case nil: .overlayWherePossible
            case let flag?: flag.isOn ? .copies : .overlay
            }
        request.ports = port
        request.privateUsers = privateUsers
        request.annotations = annotation
        request.userAnnotations = userAnnotation
        request.userLabels = userLabel
        return request
    }

    package var options: RunOptions {
        get throws {
            var options = start.options
            options.uuidFileSave = uuidFileSave.map { FilePath($0) }
            options.sandbox.memory = try memory.map { try Self.value("--memory", $0, SandboxSize.memory(parsing:)) }
            options.sandbox.processors = try cpu.map { try Self.value("--cpu", $0, SandboxSize.processors(parsing:)) }
            return options
        }
    }

    private static func value(_ flag: String, _ text: String, _ parse: (String) throws -> Int) throws -> Int {
        do {
            return try parse(text)
        } catch {
            throw RuntimeError(.invalidArgument, "\(flag)=\(text)", cause: error)
        }
    }

    package func execute(_ context: CommandContext) throws -> Int32 {
        let options = try options
        let runtime = try global.runtime
        guard let format = start.dryRun else { try runtime.run(request, options) }
        try context.console.write(PreviewText.text(runtime.preview(request, options), format))
        return ExitStatus.success
    }
}
