// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import LinuxPlatform

/// `rkt metadata-service`
package struct MetadataServiceCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "metadata-service", abstract: "Answer pods that ask who they are.",
        usage: "rkt metadata-service [flags]",
        discussion: """
            Apps of pods that were started with --mds-register ask at AC_METADATA_URL for the manifests of their pod \
            and its images, and prove to one another who they are. The service keeps what is registered in \
            /run/rkt/metadata and may be started again at any time. It ends with SIGTERM. Sockets of systemd take the \
            place of its own: rkt-metadata.socket makes the one that pods are registered at.
            """, helpNames: [])

    @Option(
        help: ArgumentHelp(
            "Port for pods, on all addresses of this host; 0 takes a free one. (default: 18112)", valueName: "port"),
        transform: { try MetadataServiceCommand.port($0) })
    package var listenPort: UInt16 = 18112
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let program = try InstalledPrograms.directory().appending("metadata-service")
        guard FileSystem.exists(program) else {
            throw RuntimeError(
                .notFound, "cannot find the program of the service at \(program); install it with rkt (make install)")
        }
        // The process stays the one that systemd started, with the sockets that it was given.
        try ProcessImage.execute(
            program, arguments: ["metadata-service", "--listen-port=\(listenPort)"],
            environment: ProcessImage.environment)
    }

    private static func port(_ text: String) throws -> UInt16 {
        guard let port = UInt16(text) else {
            throw RuntimeError(.invalidArgument, "\"\(text)\" is not a port: expected a number from 0 to 65535")
        }
        return port
    }
}
