// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import LinuxPlatform

/// `rkt api-service`
package struct APIServiceCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "api-service", abstract: "Tell programs about pods and images, over gRPC.",
        usage: "rkt api-service [flags]",
        discussion: """
            Programs list pods and images, read logs and hear what happens by the calls of v1alpha.PublicAPI, which \
            /usr/share/rkt/proto/v1alpha/api.proto describes; reflection tells the same. Nothing can be changed by \
            them. There is no authentication: whoever reaches an address may ask. It ends with SIGTERM. Sockets of \
            systemd take the place of --listen: rkt-api.socket makes some.
            """, helpNames: [])

    @Option(
        help: ArgumentHelp(
            "Address to listen at, HOST:PORT or unix:PATH; may be repeated. Port 0 is a free one. "
                + "(default: localhost:15441)", valueName: "address"))
    package var listen: [String] = []
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let settings = try global.settings
        let program = try InstalledPrograms.directory().appending("api-service")
        guard FileSystem.exists(program) else {
            throw RuntimeError(
                .notFound, "cannot find the program of the service at \(program); install it with rkt (make install)")
        }
        let arguments =
            ["api-service"] + global.words.filter { !$0.hasPrefix("--dir=") } + ["--dir=\(settings.dataDirectory)"]
            + listen.map { "--listen=\($0)" }
        // The process stays the one that systemd started, with the sockets that it was given.
        try ProcessImage.execute(program, arguments: arguments, environment: ProcessImage.environment)
    }
}
