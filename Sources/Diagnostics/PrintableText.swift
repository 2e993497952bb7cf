// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Text that commands no terminal, whoever has written it: what is not printable, or not UTF-8, is shown by its codes.
package enum PrintableText {
    /// One line: ends of lines are shown by their codes, too. A tab stays.
    package static func line(_ bytes: some Collection<UInt8>) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return bytes.map { (32..<127).contains($0) ? String(UnicodeScalar($0)) : code(UInt32($0)) }.joined()
        }
        return line(text)
    }

    /// One line: ends of lines are shown by their codes, too. A tab stays.
    package static func line(_ text: String) -> String {
        guard !text.unicodeScalars.allSatisfy(isPrintable) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(
                contentsOf: isPrintable(scalar) ? String(scalar).unicodeScalars : code(scalar.value).unicodeScalars)
        }
        return String(result)
    }

    /// The lines of a text that may have several.
    package static func lines(_ text: String) -> [String] {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line(String($0)) }
    }

    /// Whether a terminal shows it and does nothing else; a tab counts.
    package static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 32 && scalar.value < 127 || scalar == "\t" }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return false
        default: return true
        }
    }

    private static func code(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return value < 256 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
    }
}
