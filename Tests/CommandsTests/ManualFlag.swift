// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import LinuxPlatform
import SystemPackage

/// A line of `manual-flags.list`: a flag that a command has to take.
struct ManualFlag: CustomStringConvertible, Sendable {
    enum Kind: String {
        case bool, value, optional
    }

    let command: [String]
    let name: String
    let kind: Kind
    let marks: Set<String>

    var description: String { "\(command.joined(separator: " ")) --\(name)" }

    private init?(_ line: Substring) {
        let words = line.split(separator: " ").map(String.init)
        guard let place = words.firstIndex(where: { $0.hasPrefix("--") }), words.count > place + 1,
            let kind = Kind(rawValue: words[place + 1])
        else { return nil }
        command = Array(words[..<place])
        name = String(words[place].dropFirst(2))
        self.kind = kind
        marks = Set(words[(place + 2)...])
    }

    private init(_ flag: ManualFlag, command: [String]) {
        self.command = command
        name = flag.name
        kind = flag.kind
        marks = flag.marks
    }

    /// All lines; those for every command once for each.
    static let all: [ManualFlag] = {
        let file = FilePath(#filePath).removingLastComponent().appending("manual-flags.list")
        let lines = ((try? FileSystem.readText(file)) ?? "").split(separator: "\n").filter { !$0.hasPrefix("#") }
        let flags = lines.compactMap(ManualFlag.init)
        guard flags.count == lines.count else { return [] }
        let commands = CommandNode.root.leaves.map { Array($0.path.dropFirst()) }
        return flags.flatMap { flag in
            flag.command == ["*"] ? commands.map { ManualFlag(flag, command: $0) } : [flag]
        }
    }()

    /// The command, nil when there is none of that name.
    var node: CommandNode? {
        var node = CommandNode.root
        for word in command {
            guard let child = node.child(word) else { return nil }
            node = child
        }
        return node
    }
}
