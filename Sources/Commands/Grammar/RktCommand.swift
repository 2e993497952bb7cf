// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// How a command's words hang together.
package enum Grammar: Sendable {
    /// Flags and words in any order; `--` makes everything after it words.
    case mixed
    /// Flags before the first word only: what follows may be somebody else's command line.
    case flagsFirst
    /// A pod, with flags around it, then somebody else's command line; `--uuid-file` before that takes the pod's place.
    case podAndCommand
    /// Images, each followed by its flags and perhaps by `-- ARG… [---]`.
    case images(withArguments: Bool)
}

/// A command of `rkt`: what it takes is declared as for any ArgumentParser command, and `execute` does it.
package protocol RktCommand: ParsableCommand {
    static var grammar: Grammar { get }
    /// Whether the command is refused to other users before anything else is looked at.
    static var needsRoot: Bool { get }
    /// Flags besides the declared ones: refused for now, or other spellings of declared ones.
    static var otherFlags: [FlagDefinition] { get }

    var global: GlobalOptions { get }

    /// - Returns: the exit status.
    func execute(_ context: CommandContext) throws -> Int32
}

extension RktCommand {
    package static var grammar: Grammar { .mixed }
    package static var needsRoot: Bool { false }
    package static var otherFlags: [FlagDefinition] { [] }
}

/// What a command gets besides its own flags.
package struct CommandContext: Sendable {
    /// The last command word, which begins every message.
    package let component: String
    package let console: Console
    /// The images in order, each with its flags and arguments.
    package let images: [ImageArguments]
    /// The names of all flags given, as they were spelt.
    package let givenFlags: Set<String>

    package init(component: String, console: Console, images: [ImageArguments] = [], givenFlags: Set<String> = []) {
        self.component = component
        self.console = console
        self.images = images
        self.givenFlags = givenFlags
    }

    /// Tells of an error after which the command goes on, as of one that ends it.
    package func report(_ error: any Error, debug: Bool) {
        for line in ErrorReport.lines(error, component: component, debug: debug) { console.tell(line) }
    }
}
