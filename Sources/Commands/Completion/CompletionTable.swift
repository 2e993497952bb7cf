// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// What can stand where on a command line, in terms that all shells share; read off the definitions of the commands.
struct CompletionTable {
    struct Flag {
        let name: String
        /// Its first sentence in the help.
        let text: String
        let value: FlagDefinition.Value
        /// What its value can be.
        let values: HelpFlag.Values
    }

    /// What words of a command name.
    enum Word: String {
        case pods, images, files, shells
    }

    struct Entry {
        /// The command's words, without `rkt`.
        let path: [String]
        let text: String
        let children: [(name: String, text: String)]
        /// Without those of all commands.
        let flags: [Flag]
        let words: [Word]
    }

    let entries: [Entry]
    /// Those that every command has.
    let globalFlags: [Flag]

    init() {
        let catalog = FlagCatalog(of: VersionCommand.self)
        let globalFlags = CompletionTable.flags(HelpFlag.flags(of: GlobalOptions.self), catalog)
        let globalNames = Set(globalFlags.map(\.name))
        func entries(_ node: CommandNode) -> [Entry] {
            let own = node.command.map { command in
                CompletionTable.flags(HelpFlag.flags(of: command), FlagCatalog(of: command))
                    .filter { !globalNames.contains($0.name) }
            }
            let children = node.children.filter(\.configuration.shouldDisplay)
            let entry = Entry(
                path: Array(node.path.dropFirst()), text: CompletionTable.sentence(node.configuration.abstract),
                children: children.map { ($0.path.last ?? "", CompletionTable.sentence($0.configuration.abstract)) },
                flags: own ?? [], words: CompletionTable.words(node.configuration.usage ?? ""))
            return [entry] + children.flatMap(entries)
        }
        self.globalFlags = globalFlags
        self.entries = entries(.root)
    }

    private static func flags(_ flags: [HelpFlag], _ catalog: FlagCatalog) -> [Flag] {
        flags.compactMap { flag in
            catalog[flag.name].map {
                Flag(name: flag.name, text: sentence(flag.text), value: $0.value, values: flag.values)
            }
        }
    }

    /// What a command's usage says of its words.
    private static func words(_ usage: String) -> [Word] {
        let words = usage.split { $0 == " " || $0 == "\n" }.filter { !$0.contains("--") }
            .map { $0.filter { $0.isLetter } }
        var kinds: [Word] = []
        func add(_ kind: Word, where holds: (String) -> Bool) {
            if words.contains(where: holds) { kinds.append(kind) }
        }
        add(.pods) { $0 == "UUID" }
        add(.images) { $0 == "IMAGE" }
        add(.shells) { $0 == "SHELL" }
        // `run`, `prepare` and `fetch` take files for images.
        add(.files) { ["FILE", "KEYFILE", "DIRECTORY", "OUTPUT"].contains($0) }
        if usage.contains("[IMAGE ...]") { kinds.append(.files) }
        return kinds
    }

    /// The first sentence of a text, without its full stop.
    private static func sentence(_ text: String) -> String {
        var result = ""
        for word in text.split(separator: " ") {
            result += result.isEmpty ? String(word) : " \(word)"
            if word.hasSuffix(".") { break }
        }
        return result.hasSuffix(".") ? String(result.dropLast()) : result
    }
}

/// A shell that completion can be made for.
package enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish

    /// The script that the shell reads.
    package var completion: String {
        let table = CompletionTable()
        return switch self {
        case .bash: BashCompletion(table: table).text
        case .zsh: ZshCompletion(table: table).text
        case .fish: FishCompletion(table: table).text
        }
    }

    /// A text as one word of any of the shells.
    static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
