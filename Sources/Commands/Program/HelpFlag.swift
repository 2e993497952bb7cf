// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import ArgumentParser

/// A flag as its help shows it.
package struct HelpFlag: Equatable, Sendable {
    /// What a value can be, for completion.
    package struct Values: Equatable, Sendable {
        package enum Kind: Sendable {
            case unknown, words, files, directories
        }

        package var kind = Kind.unknown
        package var words: [String] = []

        /// A line for each word, or one with a colon for a kind of files.
        var lines: [String] {
            switch kind {
            case .unknown: []
            case .words: words
            case .files: [":files"]
            case .directories: [":directories"]
            }
        }

        var isEmpty: Bool { kind == .unknown }
    }

    package let name: String
    /// `--name=VALUE`
    package let spelling: String
    package let text: String
    /// Title of its group.
    package let group: String?
    package let values: Values

    /// The flags that a type declares, in their order.
    package static func flags(of type: any ParsableArguments.Type) -> [HelpFlag] {
        // ArgumentParser tells what it knows in this form only.
        guard let tool = try? JSONValue(parsing: Array(type._dumpHelp().utf8)),
            let arguments = tool.value(forKey: "command")?.value(forKey: "arguments")?.array
        else { return [] }
        return arguments.compactMap(HelpFlag.init)
    }

    private init?(_ argument: JSONValue) {
        guard let kind = argument.value(forKey: "kind")?.string, kind != "positional",
            let name = argument.value(forKey: "preferredName")?.value(forKey: "name")?.string, name != "help",
            argument.value(forKey: "shouldDisplay")?.bool != false
        else { return nil }
        let value = argument.value(forKey: "valueName")?.string ?? "value"
        self.name = name
        spelling = kind == "flag" ? "--\(name)" : "--\(name)=\(value.uppercased())"
        let normally = argument.value(forKey: "defaultValue")?.string.map { " (default: \($0))" } ?? ""
        text = (argument.value(forKey: "abstract")?.string ?? "") + normally
        group = argument.value(forKey: "sectionTitle")?.string
        values = HelpFlag.values(argument, isFile: kind != "flag" && value == "file")
    }

    private static func values(_ argument: JSONValue, isFile: Bool) -> Values {
        let completion = argument.value(forKey: "completionKind")
        let listed = completion?.value(forKey: "list")?.value(forKey: "values") ?? argument.value(forKey: "allValues")
        if let words = listed?.array?.compactMap(\.string), !words.isEmpty {
            return Values(kind: .words, words: words)
        }
        if completion?.value(forKey: "directory") != nil { return Values(kind: .directories) }
        return isFile ? Values(kind: .files) : Values()
    }
}
