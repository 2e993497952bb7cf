// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import HostConfiguration
import Stage0

/// `rkt config`
package struct ConfigCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Print the configuration.", usage: "rkt config [flags]",
        discussion: """
            What the configuration directories of the system, the host and the user say together is printed as JSON, \
            each entry as it could stand in a configuration file. Passwords are printed, too.
            """, helpNames: [])

    @OptionGroup var output: PrettyPrintOptions
    @OptionGroup(title: "Global options") package var global: GlobalOptions

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        let settings = try global.settings
        let configuration = try HostConfiguration(reading: settings.configuration)
        try context.console.print(configuration.json.encoded(pretty: output.prettyPrint.isOn))
        return ExitStatus.success
    }
}
