// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A command line that does not hang together; the command's help is shown with it.
package struct UsageError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
