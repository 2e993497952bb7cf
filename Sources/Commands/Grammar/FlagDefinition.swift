// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What the splitter must know of a flag; everything else is declared once, in the option groups.
package struct FlagDefinition: Equatable, Sendable {
    /// Whether a value follows the name.
    package enum Value: Equatable, Sendable {
        /// On or off; `--name` is `--name=true`, and a value stands after `=` only.
        case toggle
        /// A value that stands after `=` only; this one is meant where it is missing.
        case implied(String)
        /// A value after `=` or in the next word.
        case required
    }

    /// What a flag speaks of.
    package enum Scope: Equatable, Sendable {
        /// The command.
        case command
        /// The image before it.
        case image
        /// The image before it, or the whole pod when no image is before it.
        case imageOrCommand
    }

    /// Whether a flag does anything.
    package enum Standing: Equatable, Sendable {
        case supported
        /// Known, refused for now; the text says what to do instead, or why.
        case unsupported(String)
        /// An older spelling of `--name`, which gets `value` when one is told.
        case deprecated(name: String, value: String?)
        /// Another spelling of `--name`, as good as it.
        case alias(name: String)
    }

    package let name: String
    package let value: Value
    package let scope: Scope
    package let standing: Standing

    package init(_ name: String, _ value: Value, scope: Scope = .command, standing: Standing = .supported) {
        self.name = name
        self.value = value
        self.scope = scope
        self.standing = standing
    }
}

/// A flag that stands on the command line, and its value.
package struct GivenFlag: Equatable, Sendable {
    package let definition: FlagDefinition
    package let value: String

    package init(definition: FlagDefinition, value: String) {
        self.definition = definition
        self.value = value
    }
}
