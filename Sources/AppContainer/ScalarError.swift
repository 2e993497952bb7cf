// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Why a text is not a value of some scalar type: a name, version, ID, quantity and so on.
package struct ScalarError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text that was refused, as given.
    package let text: String
    /// What it should have been and why it is not, such as "is not an AC name: only lower-case letters…".
    package let reason: String

    package init(_ text: String, _ reason: String) {
        self.text = text
        self.reason = reason
    }

    /// The quoted text and the reason.
    package var description: String { "\(ScalarError.quoted(text)) \(reason)" }

    /// A text in double quotes, safe to print: control characters are escaped and long texts cut.
    package static func quoted(_ text: some StringProtocol) -> String {
        var result = "\""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < 100 else { return result + "…\"" }
            count += 1
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
