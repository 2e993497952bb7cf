// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0
import SystemPackage

/// The flags that every command takes.
package struct GlobalOptions: ParsableArguments {
    @Flag(help: "Print what is done, and every error with all its causes.")
    package var debug = false

    @Option(
        help: ArgumentHelp(
            "Where images and pods are kept. (default: what is configured, or /var/lib/rkt)", valueName: "path"),
        completion: .directory)
    package var dir: String?

    @Option(
        help: ArgumentHelp(
            "Security features to turn off, separated by commas: "
                + InsecureOptions.words.map(\.word).joined(separator: ", ")
                + ". (default: none)",
            valueName: "words"),
        completion: .list(InsecureOptions.words.map(\.word)), transform: InsecureWords.init(parsing:))
    package var insecureOptions = InsecureWords.none

    @Option(help: ArgumentHelp("Directory of this host's configuration.", valueName: "path"), completion: .directory)
    package var localConfig = "/etc/rkt"

    @Option(
        help: ArgumentHelp("Directory of the distribution's configuration.", valueName: "path"), completion: .directory)
    package var systemConfig = "/usr/lib/rkt"

    @Option(help: ArgumentHelp("Directory of the user's configuration.", valueName: "path"), completion: .directory)
    package var userConfig: String?

    @Flag(help: "Trust the keys that an image's domain offers by HTTPS, without asking.")
    package var trustKeysFromHttps = false

    package init() {}

    package static let otherFlags = [
        FlagDefinition("cpuprofile", .required, standing: .unsupported("use perf(1)")),
        FlagDefinition("memprofile", .required, standing: .unsupported("use perf(1)")),
    ]

    /// What flags and configuration say; flags count more.
    package var settings: Settings { get throws { try settings(ignoresBrokenPaths: false) } }

    /// - Parameter ignoresBrokenPaths: whether configured paths that cannot be read count as none.
    func settings(ignoresBrokenPaths: Bool) throws -> Settings {
        var settings = Settings(
            systemConfiguration: FilePath(systemConfig), localConfiguration: FilePath(localConfig),
            userConfiguration: userConfig.flatMap { $0.isEmpty ? nil : FilePath($0) }, isDebug: debug,
            insecure: insecureOptions.options)
        settings.trustsKeysFromHTTPS = trustKeysFromHttps
        if dir == "" { throw RuntimeError(.invalidArgument, "--dir is empty") }
        if let dir { settings.dataDirectory = FilePath(dir) }
        do {
            try settings.readPaths(keepsData: dir != nil)
        } catch {
            guard ignoresBrokenPaths else { throw error }
        }
        return settings
    }

    /// The flags as they are given to this program once more.
    package var words: [String] {
        var words = ["--insecure-options=\(insecureOptions)", "--local-config=\(localConfig)"]
        words.append("--system-config=\(systemConfig)")
        if let userConfig { words.append("--user-config=\(userConfig)") }
        if let dir { words.append("--dir=\(dir)") }
        if trustKeysFromHttps { words.append("--trust-keys-from-https") }
        return debug ? words + ["--debug"] : words
    }

    package var runtime: PodRuntime { get throws { try runtime(quiet: false) } }

    /// Long steps are shown on a terminal, unless everything is printed or nothing is.
    func runtime(quiet: Bool) throws -> PodRuntime {
        PodRuntime(try settings, progress: debug || quiet ? nil : ProgressLine.onStandardError())
    }
}
