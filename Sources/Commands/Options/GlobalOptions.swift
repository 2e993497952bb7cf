// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Stage0
import SystemPackage

/// The flags that every command takes.
package struct GlobalOptions: ParsableArguments {
    @Flag(help: "Print what is done, and every error with all its causes.")
    package var debug = false

    @Option(help: ArgumentHelp("Where images and pods are kept.", valueName: "path"))
    package var dir = "/var/lib/rkt"

    @Option(
        help: ArgumentHelp(
            "Security features to turn off, separated by commas: "
                + InsecureOptions.words.map(\.word).joined(separator: ", ")
                + ". (default: none)",
            valueName: "words"),
        transform: InsecureWords.init(parsing:))
    package var insecureOptions = InsecureWords.none

    @Option(help: ArgumentHelp("Directory of this host's configuration.", valueName: "path"))
    package var localConfig = "/etc/rkt"

    @Option(help: ArgumentHelp("Directory of the distribution's configuration.", valueName: "path"))
    package var systemConfig = "/usr/lib/rkt"

    @Option(help: ArgumentHelp("Directory of the user's configuration.", valueName: "path"))
    package var userConfig: String?

    package init() {}

    package static let otherFlags = [
        FlagDefinition(
            "trust-keys-from-https", .toggle, standing: .unsupported("images are not fetched over the network")),
        FlagDefinition("cpuprofile", .required, standing: .unsupported("use perf(1)")),
        FlagDefinition("memprofile", .required, standing: .unsupported("use perf(1)")),
    ]

    package var settings: Settings {
        Settings(
            dataDirectory: FilePath(dir), systemConfiguration: FilePath(systemConfig),
            localConfiguration: FilePath(localConfig),
            userConfiguration: userConfig.flatMap { $0.isEmpty ? nil : FilePath($0) }, isDebug: debug,
            insecure: insecureOptions.options)
    }

    package var runtime: PodRuntime { runtime(quiet: false) }

    /// Long steps are shown on a terminal, unless everything is printed or nothing is.
    func runtime(quiet: Bool) -> PodRuntime {
        PodRuntime(settings, progress: debug || quiet ? nil : ProgressLine.onStandardError())
    }
}
