// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Stage0

/// An app of a pod.
package struct AppSelection: ParsableArguments {
    @Option(help: ArgumentHelp("Name of the app.", valueName: "name"))
    package var app: String?
    @OptionGroup var selection: PodAndWords

    package init() {}

    package func validate() throws {
        guard let app, !app.isEmpty else { throw ValidationError("must name an app: --app=NAME") }
    }

    package var name: String { app ?? "" }

    /// The pod of a command that takes nothing else.
    package func pod() throws -> String {
        _ = try selection.words(0, "")
        return try selection.pod()
    }

    /// Passes over what stage1 has told the user itself.
    static func run(_ body: () throws -> Void) throws -> Int32 {
        do {
            try body()
        } catch is AppEntrypointFailure {
            return ExitStatus.error
        }
        return ExitStatus.success
    }
}
