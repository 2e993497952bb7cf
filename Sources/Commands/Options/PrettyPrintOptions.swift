// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser

/// How a manifest is printed.
package struct PrettyPrintOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Whether to indent the manifest.", valueName: "bool"))
    package var prettyPrint = Toggle.on

    package init() {}
}
