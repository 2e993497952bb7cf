// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// An element of an XML document: attributes in order, and either text or elements.
package struct XMLElement: Sendable, Equatable {
    let name: String
    let attributes: [Attribute]
    let content: Content

    struct Attribute: Sendable, Equatable {
        let name: String
        let value: String
    }

    enum Content: Sendable, Equatable {
        case elements([XMLElement])
        case text(String)
    }

    package init(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ elements: [XMLElement] = []) {
        self.name = name
        self.attributes = attributes.map { Attribute(name: $0.key, value: $0.value) }
        content = .elements(elements)
    }

    package init(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String) {
        self.name = name
        self.attributes = attributes.map { Attribute(name: $0.key, value: $0.value) }
        content = .text(text)
    }

    /// The element and what is in it, an element a line.
    ///
    /// - Throws: `.unsupported` for a value that no XML document can hold.
    package func rendered(indent: Int = 0) throws -> String {
        let space = String(repeating: "  ", count: indent)
        let words = try attributes.map { " \($0.name)='\(try Self.escaped($0.value))'" }.joined()
        switch content {
        case .text(let text):
            return "\(space)<\(name)\(words)>\(try Self.escaped(text))</\(name)>\n"
        case .elements(let elements):
            guard !elements.isEmpty else { return "\(space)<\(name)\(words)/>\n" }
            let inner = try elements.map { try $0.rendered(indent: indent + 1) }.joined()
            return "\(space)<\(name)\(words)>\n\(inner)\(space)</\(name)>\n"
        }
    }

    /// White space other than a blank is written by number: a reader would take it for a blank (XML 1.0, 3.3.3).
    static func escaped(_ text: String) throws -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "'": result += "&apos;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += "&#\(scalar.value);"
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}":
                throw RuntimeError(
                    .unsupported,
                    "libvirt cannot be told of a value that holds character \(scalar.value), which XML does not have")
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
