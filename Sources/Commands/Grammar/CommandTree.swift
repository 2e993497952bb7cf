// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// A place in the tree of commands.
package struct CommandNode: Sendable {
    /// The words that lead here, `rkt` first.
    package let path: [String]
    package let type: any ParsableCommand.Type

    /// Where everything begins.
    package static let root = CommandNode(path: ["rkt"], type: RootCommand.self)

    package var configuration: CommandConfiguration { type.configuration }

    /// The command here, or nil when there are only further ones below.
    package var command: (any RktCommand.Type)? { type as? any RktCommand.Type }

    package var children: [CommandNode] {
        configuration.subcommands.map { CommandNode(path: path + [$0._commandName], type: $0) }
    }

    /// `rkt image`
    package var name: String { path.joined(separator: " ") }

    package func child(_ word: String) -> CommandNode? { children.first { $0.path.last == word } }

    /// This command and all below it.
    package var commands: [any RktCommand.Type] {
        (command.map { [$0] } ?? []) + children.flatMap(\.commands)
    }
}

/// Which command is meant, and the words that belong to it: those before the command word come first.
package struct CommandSelection {
    package let node: CommandNode
    package let arguments: [String]
    /// Help was asked for before the command word.
    package let wantsHelp: Bool

    /// Finds the command words.
    ///
    /// - Throws: `UnknownCommandError`, or `UsageError` for a flag before them that no command has.
    package init(_ arguments: [String]) throws {
        var node = CommandNode.root
        var leading: [String] = []
        var wantsHelp = false
        // It has the global flags and no others.
        var reader = FlagReader(arguments, catalog: FlagCatalog(of: VersionCommand.self))
        var knowsAllFlags = false
        while node.command == nil {
            let before = reader
            guard let word = reader.next() else { break }
            switch word {
            case .help:
                wantsHelp = true
            case .flag(let flag):
                leading.append("--\(flag.definition.name)=\(flag.value)")
            case .word(let word):
                guard let child = node.child(word) else { throw UnknownCommandError(word: word, parent: node) }
                node = child
            case .terminator, .separator:
                continue
            case .failure(let error):
                // A flag of the command that is still to come. Looking at all commands takes time, so it is done late.
                guard !knowsAllFlags else { throw error }
                knowsAllFlags = true
                let all = FlagCatalog(ofAll: CommandNode.root.commands)
                reader = FlagReader(before.unread, catalog: all)
            }
        }
        self.node = node
        self.arguments = leading + reader.unread
        self.wantsHelp = wantsHelp
    }
}

/// A command word that does not exist.
package struct UnknownCommandError: Error, Equatable {
    package let word: String
    package let parent: CommandNode

    package static func == (left: UnknownCommandError, right: UnknownCommandError) -> Bool {
        left.word == right.word && left.parent.path == right.parent.path
    }

    /// The lines for standard error, without a component.
    package var lines: [String] {
        var lines = ["unknown command \"\(word)\" for \"\(parent.name)\""]
        let names = parent.children.filter(\.configuration.shouldDisplay).compactMap(\.path.last)
        if let name = Spelling.nearest(to: word, in: names) { lines.append("Did you mean \"\(parent.name) \(name)\"?") }
        lines.append("Run \"\(parent.path[0]) help\" for the list of commands.")
        return lines
    }
}
