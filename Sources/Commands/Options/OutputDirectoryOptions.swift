// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// What is written into a directory, and whether it may exist.
package struct OutputDirectoryOptions: ParsableArguments {
    @Flag(help: "Replace the directory if it exists.")
    package var overwrite = false

    @Flag(help: "Write the contents of the root file system right into the directory, without the manifest.")
    package var rootfsOnly = false

    package init() {}
}
