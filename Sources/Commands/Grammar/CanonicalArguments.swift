// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Spells flags and words in the one way that ArgumentParser reads as they are meant here.
package enum CanonicalArguments {
    /// A toggle is given by its last value and left out when off, anything else as `--name=value`; words follow `--`.
    ///
    /// An empty value is a word of its own: `--name=` would be a missing one.
    package static func of(_ flags: [GivenFlag], words: [String] = []) -> [String] {
        var arguments: [String] = []
        var toggles: [String: Bool] = [:]
        func give(_ name: String, _ value: String) {
            arguments += value.isEmpty ? ["--\(name)", ""] : ["--\(name)=\(value)"]
        }
        for flag in flags {
            let name = flag.definition.name
            switch (flag.definition.standing, flag.definition.value) {
            case (.deprecated, .toggle) where flag.value == "false": continue
            case (.deprecated(let current, let value), _): give(current, value ?? flag.value)
            case (.alias(let current), _): give(current, flag.value)
            case (_, .toggle): toggles[name] = flag.value == "true"
            default: give(name, flag.value)
            }
        }
        arguments += toggles.filter(\.value).keys.sorted().map { "--\($0)" }
        return words.isEmpty ? arguments : arguments + ["--"] + words
    }
}
