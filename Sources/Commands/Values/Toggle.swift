// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// On or off, for a flag that is on unless turned off.
package struct Toggle: ExpressibleByArgument, ImpliedValue, Equatable, Sendable, CustomStringConvertible {
    package let isOn: Bool

    package static let on = Toggle(isOn: true)
    package static let off = Toggle(isOn: false)
    package static let impliedValue = "true"
    package static let allValueStrings = ["true", "false"]

    package init(isOn: Bool) {
        self.isOn = isOn
    }

    package init?(argument: String) {
        guard let isOn = Toggle.meaning(of: argument) else { return nil }
        self.isOn = isOn
    }

    package var description: String { isOn ? "true" : "false" }

    /// What a word for true or false means; the words are those of Go's `strconv.ParseBool`, which scripts use.
    package static func meaning(of word: String) -> Bool? {
        switch word {
        case "1", "t", "T", "true", "True", "TRUE": true
        case "0", "f", "F", "false", "False", "FALSE": false
        default: nil
        }
    }
}
