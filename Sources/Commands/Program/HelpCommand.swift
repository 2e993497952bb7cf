// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics

/// `rkt help [COMMAND [COMMAND]]`
package struct HelpCommand: RktCommand {
    package static let configuration = CommandConfiguration(
        commandName: "help", abstract: "Describe a command.", usage: "rkt help [COMMAND [COMMAND]]", helpNames: [])

    @OptionGroup(title: "Global options") package var global: GlobalOptions
    @Argument var topic: [String] = []

    package init() {}

    package func execute(_ context: CommandContext) throws -> Int32 {
        var node = CommandNode.root
        for word in topic {
            guard let child = node.child(word) else { throw UnknownCommandError(word: word, parent: node) }
            node = child
        }
        try context.console.write(HelpPage(node).text)
        return ExitStatus.success
    }
}
