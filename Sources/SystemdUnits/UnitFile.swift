// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A unit file of systemd.unit(5) as a value.
package struct UnitFile: Equatable, Sendable {
    /// File name with its type, such as `redis.service`.
    package var name: String
    package var sections: [Section]

    package struct Section: Equatable, Sendable {
        package var name: String
        package var settings: [Setting]
        package init(_ name: String, _ settings: [Setting]) {
            self.name = name
            self.settings = settings
        }
    }

    package struct Setting: Equatable, Sendable {
        package var key: String
        package var value: String
        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    package init(name: String, sections: [Section]) {
        self.name = name
        self.sections = sections
    }

    /// The text of the file. A value's line breaks are gone: a unit file has no way to carry them.
    package var rendered: String {
        sections.map { section in
            let lines = section.settings.map { "\($0.key)=\($0.value.filter { !$0.isNewline && $0 != "\0" })\n" }
            return "[\(section.name)]\n" + lines.joined()
        }.joined(separator: "\n")
    }

    /// Values of a setting in any section, in order.
    package func values(of key: String) -> [String] {
        sections.flatMap(\.settings).filter { $0.key == key }.map(\.value)
    }
}

/// A command line of systemd.service(5), quoted so that every argument arrives as it is.
package struct UnitCommand: Equatable, Sendable {
    package var arguments: [String]
    package init(_ arguments: [String]) { self.arguments = arguments }

    /// Each argument in double quotes; backslash and quote escaped, `%` and `$` doubled against specifiers and variables.
    package var rendered: String {
        arguments.map { argument in
            guard argument.isEmpty || argument.contains(where: { !Self.isPlain($0) }) else { return argument }
            var text = ""
            for scalar in argument.unicodeScalars {
                switch scalar {
                case "\\": text += "\\\\"
                case "\"": text += "\\\""
                case "%": text += "%%"
                case "$": text += "$$"
                case "\n": text += "\\n"
                case "\t": text += "\\t"
                default: text.unicodeScalars.append(scalar)
                }
            }
            return "\"\(text)\""
        }.joined(separator: " ")
    }

    private static func isPlain(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "/-_.:,=+@".contains(character))
    }
}
