// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// An image on the command line, the flags that follow it, and the arguments for its app.
package struct ImageArguments: Equatable, Sendable {
    package let name: String
    package var flags: [GivenFlag] = []
    /// What stands between `--` and `---`.
    package var appArguments: [String] = []

    package init(_ name: String, flags: [GivenFlag] = [], appArguments: [String] = []) {
        self.name = name
        self.flags = flags
        self.appArguments = appArguments
    }
}

/// The words after the command, split into flags, words and images. Nothing is looked at but the words themselves.
package struct AppArguments: Equatable, Sendable {
    /// The flags that speak of the command, in order.
    package private(set) var flags: [GivenFlag] = []
    /// The words that are no flags; for a command that takes images these are in `images`.
    package private(set) var words: [String] = []
    package private(set) var images: [ImageArguments] = []
    /// `--help` or `-h` was given.
    package private(set) var wantsHelp = false

    /// - Throws: `UsageError`.
    package init(_ arguments: [String], grammar: Grammar, catalog: FlagCatalog) throws {
        var reader = FlagReader(arguments, catalog: catalog)
        while let word = reader.next() {
            switch word {
            case .help:
                wantsHelp = true
            case .flag(let flag):
                try add(flag, grammar)
            case .word(let word):
                if case .images = grammar { images.append(ImageArguments(word)) } else { words.append(word) }
                if case .flagsFirst = grammar { words += reader.rest() }
                if case .podAndCommand = grammar, words.count > 1 || givenFlags.contains("uuid-file") {
                    words += reader.rest()
                }
            case .terminator:
                guard case .images(let withArguments) = grammar else {
                    words += reader.rest()
                    continue
                }
                try addArguments(from: &reader, allowed: withArguments)
            case .separator:
                // It ends arguments; here there are none to end.
                guard case .images = grammar else { throw UsageError("unknown flag: ---") }
            case .failure(let error):
                // `rkt run --bad-flag --help` asks for help.
                if reader.asksForHelp { wantsHelp = true } else { throw error }
            }
        }
    }

    /// The flags' names as they were given, those of images included.
    package var givenFlags: Set<String> {
        Set((flags + images.flatMap(\.flags)).map(\.definition.name))
    }

    private mutating func add(_ flag: GivenFlag, _ grammar: Grammar) throws {
        guard case .images = grammar, flag.definition.scope != .command else {
            flags.append(flag)
            return
        }
        if !images.isEmpty {
            images[images.count - 1].flags.append(flag)
        } else if flag.definition.scope == .imageOrCommand {
            flags.append(flag)
        } else {
            throw UsageError("--\(flag.definition.name) must follow an image")
        }
    }

    private mutating func addArguments(from reader: inout FlagReader, allowed: Bool) throws {
        guard allowed else { throw UsageError("-- does not belong here: this command takes no app arguments") }
        guard !images.isEmpty else { throw UsageError("-- must follow an image") }
        images[images.count - 1].appArguments += reader.rest(until: "---")
    }
}
