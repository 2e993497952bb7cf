// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Testing

struct HelpPageTests {
    private let recording = RecordingConsole()

    @Test func `the first page has its sections in order`() {
        #expect(recording.run("help") == 0)
        #expect(sections == ["NAME", "USAGE", "VERSION", "COMMANDS", "DESCRIPTION", "GLOBAL OPTIONS"])
        for command in ["  run ", "  image cat-manifest ", "  image list ", "  version "] {
            #expect(recording.output.contains("\n" + command), "\(command)")
        }
    }

    @Test func `a command's page has its sections in order`() {
        #expect(recording.run("help", "run") == 0)
        #expect(sections == ["NAME", "USAGE", "DESCRIPTION", "OPTIONS", "IMAGE OPTIONS", "GLOBAL OPTIONS"])
    }

    @Test(
        arguments: [(["help", "image", "list"], ["image", "list", "--help"]), (["help", "gc"], ["--help", "gc"])]
            as [([String], [String])])
    func `both ways of asking give the same page`(one: [String], other: [String]) {
        let second = RecordingConsole()
        #expect(Program(console: recording.console, isRoot: true).run(one) == 0)
        #expect(Program(console: second.console, isRoot: true).run(other) == 0)
        #expect(recording.output == second.output)
        #expect(recording.output.contains("USAGE:"))
    }

    @Test func `flags show their values and defaults`() {
        #expect(recording.run("help", "gc") == 0)
        #expect(recording.output.contains("--grace-period=TIME"))
        #expect(recording.output.contains("(default: 30m0s)"))
        #expect(recording.output.contains("--mark-only  "))
        #expect(recording.output.contains(" /var/lib/rkt)"))
    }

    @Test func `no line is wider than a terminal`() {
        for node in CommandNode.root.leaves + [.root] {
            for line in HelpPage(node).text.split(separator: "\n") where !line.hasPrefix("  rkt ") {
                #expect(line.count <= 80, "\(node.name): \(line)")
            }
        }
    }

    @Test func `an unknown topic is an error`() {
        #expect(recording.run("help", "frobnicate") == 254)
        #expect(recording.messages.contains("unknown command \"frobnicate\" for \"rkt\""))
    }

    private var sections: [String] {
        recording.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map { String($0.dropLast()) }
    }
}
