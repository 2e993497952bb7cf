// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import ImageArchive
import Stage0
import SystemPackage

/// `rkt export`
package struct ExportCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Make an image of an app of a pod that has ended.",
        usage: "rkt export [--app=NAME] [--overwrite] UUID FILE"
            + "\nrkt export [--app=NAME] [--overwrite] --uuid-file=FILE FILE",
        discussion: """
            The image holds the app's root file system with what the app has changed, but not what is in volumes. \
            Sockets are left out.
            """, helpNames: [])
    package static let needsRoot = true

    @Option(help: ArgumentHelp("Name of the app; may be left out when the pod has only one.", valueName: "name"))
    var app: String?
    @Flag(help: "Replace the file if it exists.")
    var overwrite = false
    @OptionGroup var selection: PodAndWords
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let path = FilePath(try selection.words(1, " and a file")[0])
        guard let output = try OutputFile(path, overwrite: overwrite) else { throw existing }
        let runtime = try global.runtime
        let uuid = try runtime.find(selection.pod(), or: "problem retrieving pod")
        do {
            try runtime.export(uuid, app: app) { builder in
                _ = try output.write { file in
                    do {
                        return try builder.write(to: file)
                    } catch let error as OutputError {
                        throw RuntimeError.systemCall("write", path, error.errno)
                    }
                }
            }
            guard try output.place() else { throw existing }
        } catch {
            output.discard()
            throw error
        }
        return ExitStatus.success
    }

    private var existing: RuntimeError { RuntimeError(.exists, "output ACI file exists (try --overwrite)") }
}
