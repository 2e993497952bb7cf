// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The tree of commands.
package struct RootCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rkt",
        abstract: "Run App Container pods, each in a virtual machine of its own.",
        usage: "rkt [flags] COMMAND [flags] [arguments]",
        discussion: """
            There is no daemon: every command works on files and locks below the data directory. Flags may stand \
            before or after the command. `rkt help COMMAND` describes a command.
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Pods",
                subcommands: [
                    RunCommand.self, PrepareCommand.self, RunPreparedCommand.self, EnterCommand.self,
                    AttachCommand.self, StopCommand.self, ListCommand.self, StatusCommand.self, LogsCommand.self,
                    CatManifestCommand.self, ExportCommand.self, RemoveCommand.self, CollectGarbageCommand.self,
                    AppCommand.self,
                ]),
            CommandGroup(name: "Images", subcommands: [FetchCommand.self, TrustCommand.self, ImageCommand.self]),
            CommandGroup(
                name: "Other",
                subcommands: [
                    APIServiceCommand.self, DoctorCommand.self, KernelTestCommand.self, MetadataServiceCommand.self,
                    ConfigCommand.self, VersionCommand.self, CompletionCommand.self, HelpCommand.self,
                ]),
        ],
        helpNames: [])

    package init() {}
}

/// The commands for stored images.
package struct ImageCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Make images, and look at and remove stored ones.",
        usage: "rkt image COMMAND [flags] [arguments]",
        subcommands: [
            ImageListCommand.self, ImageCatManifestCommand.self, ImageExportCommand.self, ImageExtractCommand.self,
            ImageRenderCommand.self, ImageVerifyCommand.self, ImageRemoveCommand.self,
            ImageCollectGarbageCommand.self, ImageBuildCommand.self,
        ],
        helpNames: [])

    package init() {}
}
