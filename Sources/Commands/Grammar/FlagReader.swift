// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Reads words one by one and joins flags with their values.
package struct FlagReader {
    package enum Word: Equatable {
        case flag(GivenFlag)
        case word(String)
        case help
        /// `--`
        case terminator
        /// `---`
        case separator
        case failure(UsageError)
    }

    private var remaining: ArraySlice<String>
    private let catalog: FlagCatalog

    package init(_ arguments: [String], catalog: FlagCatalog) {
        remaining = arguments[...]
        self.catalog = catalog
    }

    /// Whether help is asked for further on, before any `--`.
    package var asksForHelp: Bool {
        remaining.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
    }

    package mutating func next() -> Word? {
        guard let word = remaining.popFirst() else { return nil }
        switch word {
        case "--": return .terminator
        case "---": return .separator
        case "--help", "-h": return .help
        case "-", "": return .word(word)
        default: break
        }
        guard word.hasPrefix("-") else { return .word(word) }
        guard word.hasPrefix("--") else {
            return .failure(shorthand(word))
        }
        let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map(String.init) ?? ""
        guard let definition = catalog[name] else { return .failure(unknown(name)) }
        do {
            return .flag(try give(definition, parts.count == 2 ? String(parts[1]) : nil))
        } catch {
            return .failure(error)
        }
    }

    /// The words up to a given one, which is taken too, or all that are left.
    package mutating func rest(until end: String? = nil) -> [String] {
        let words = remaining.prefix { $0 != end }
        remaining = remaining.dropFirst(words.count + 1)
        return Array(words)
    }

    /// The words that are left, unread.
    package var unread: [String] { Array(remaining) }

    private mutating func give(_ flag: FlagDefinition, _ value: String?) throws(UsageError) -> GivenFlag {
        switch flag.value {
        case .toggle:
            guard let value else { return GivenFlag(definition: flag, value: "true") }
            guard let isOn = Toggle.meaning(of: value) else {
                throw UsageError("invalid argument \"\(value)\" for --\(flag.name): neither true nor false")
            }
            return GivenFlag(definition: flag, value: isOn ? "true" : "false")
        case .implied(let implied):
            return GivenFlag(definition: flag, value: value ?? implied)
        case .required:
            guard let value = value ?? remaining.popFirst() else {
                throw UsageError("flag needs an argument: --\(flag.name)")
            }
            return GivenFlag(definition: flag, value: value)
        }
    }

    /// One dash is a habit of other programs.
    private func shorthand(_ word: String) -> UsageError {
        let name = String(word.dropFirst().prefix { $0 != "=" })
        let meant = name.utf8.count > 1 ? Spelling.nearest(to: name, in: catalog.suggestions) : nil
        let hint = meant.map { "did you mean --\($0)?" } ?? "flags have two dashes"
        return UsageError("unknown shorthand flag: \"\(word)\" (\(hint))")
    }

    private func unknown(_ name: String) -> UsageError {
        let suggestion = Spelling.nearest(to: name, in: catalog.suggestions).map { ", did you mean --\($0)?" } ?? ""
        return UsageError("unknown flag: --\(name)\(suggestion)")
    }
}
