// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Where and why a text is not a JSON document.
package struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The line in the document, from 1.
    package let line: Int
    /// The character within the line, from 1.
    package let column: Int
    /// What is wrong there, such as "expected ':' after the key".
    package let reason: String
    /// The offending line, or the part of it around the error, made safe for a terminal.
    package let excerpt: String
    /// The place of the error in the excerpt, from 0.
    package let caret: Int

    /// Line, column and reason, then the offending line and a caret below the place of the error.
    package var description: String {
        "line \(line), column \(column): \(reason)\n    \(excerpt)\n    \(String(repeating: " ", count: caret))^"
    }

    /// Describes an error at a byte of a document.
    init(_ reason: String, in document: [UInt8], at offset: Int) {
        let newline = UInt8(ascii: "\n")
        let offset = min(max(offset, 0), document.count)
        let before = document[..<offset]
        let start = before.lastIndex(of: newline).map { $0 + 1 } ?? 0
        let end = document[offset...].firstIndex(of: newline) ?? document.count
        // Manifests are often one long line: show only what surrounds the error.
        let from = max(start, offset - 60)
        let prefix = JSONSyntaxError.printable(document[from..<offset])
        let rest = JSONSyntaxError.printable(document[offset..<min(end, offset + 40)])
        self.reason = reason
        line = before.reduce(into: 1) { count, byte in if byte == newline { count += 1 } }
        column = String(decoding: document[start..<offset], as: UTF8.self).unicodeScalars.count + 1
        excerpt = prefix + rest
        caret = prefix.unicodeScalars.count
    }

    /// Decodes bytes, each control character and each malformed sequence as one blank or replacement character.
    private static func printable(_ bytes: ArraySlice<UInt8>) -> String {
        // A window may begin within a character: drop its continuation bytes.
        let whole = bytes.drop { $0 & 0xC0 == 0x80 }
        var text = ""
        for scalar in String(decoding: whole, as: UTF8.self).unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: text.unicodeScalars.append(" ")
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
