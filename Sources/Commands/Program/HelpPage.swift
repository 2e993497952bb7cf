// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics

/// The help of a command, made from what ArgumentParser knows about its flags.
package struct HelpPage {
    private static let width = 80
    private static let textColumn = 30
    /// Title of the group of flags that every command has.
    package static let globalTitle = "Global options"

    private let node: CommandNode

    package init(_ node: CommandNode) {
        self.node = node
    }

    /// The page, each section headed by its name in capitals.
    package var text: String {
        let configuration = node.configuration
        var sections = [section("NAME", [HelpPage.indent + "\(node.name) - \(configuration.abstract)"])]
        sections.append(section("USAGE", usage))
        if node.path.count == 1 { sections.append(section("VERSION", [HelpPage.indent + Version.current])) }
        if !node.children.isEmpty { sections.append(section("COMMANDS", commands)) }
        if !configuration.discussion.isEmpty {
            let paragraphs = configuration.discussion.split(separator: "\n", omittingEmptySubsequences: false)
            let lines = paragraphs.flatMap { HelpPage.wrap(String($0), indent: HelpPage.indent.count) }
            sections.append(section("DESCRIPTION", lines))
        }
        sections += flags
        return sections.joined(separator: "\n")
    }

    private static let indent = "  "

    private func section(_ title: String, _ lines: [String]) -> String {
        "\(title):\n" + lines.map { $0 + "\n" }.joined()
    }

    private var usage: [String] {
        (node.configuration.usage ?? node.name).split(separator: "\n").map { HelpPage.indent + $0 }
    }

    /// All commands that can be given, those below `image` included.
    private var commands: [String] {
        func list(_ node: CommandNode, _ words: String) -> [String] {
            node.children.filter(\.configuration.shouldDisplay).flatMap { child in
                let name = words + (child.path.last ?? "")
                if !child.children.isEmpty { return list(child, name + " ") }
                return HelpPage.entry(name, child.configuration.abstract)
            }
        }
        return list(node, "")
    }

    /// The groups of flags under their titles, the command's own first and the global ones last.
    private var flags: [String] {
        // A command that only holds others has no flags but those that all of them take.
        let type: any ParsableArguments.Type = node.command ?? GlobalOptions.self
        var own: [String] = []
        var groups: [(title: String, lines: [String])] = []
        for flag in HelpFlag.flags(of: type) {
            let lines = HelpPage.entry(flag.spelling, flag.text)
            let title = node.command == nil ? HelpPage.globalTitle : flag.group
            if let title {
                if let place = groups.firstIndex(where: { $0.title == title }) {
                    groups[place].lines += lines
                } else {
                    groups.append((title, lines))
                }
            } else {
                own += lines
            }
        }
        let last = groups.filter { $0.title == HelpPage.globalTitle }
        return (own.isEmpty ? [] : [section("OPTIONS", own)])
            + (groups.filter { $0.title != HelpPage.globalTitle } + last).map {
                section($0.title.uppercased(), $0.lines)
            }
    }

    private static func entry(_ name: String, _ text: String) -> [String] {
        let head = indent + name
        var lines = wrap(text, indent: textColumn)
        guard head.count < textColumn - 1, let first = lines.first else { return [head] + lines }
        lines[0] = head + String(repeating: " ", count: textColumn - head.count) + first.dropFirst(textColumn)
        return lines
    }

    private static func wrap(_ text: String, indent: Int) -> [String] {
        let blank = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent + line.count + 1 + word.count > width {
                lines.append(blank + line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " " + word
        }
        return lines + [line.isEmpty ? "" : blank + line]
    }
}
