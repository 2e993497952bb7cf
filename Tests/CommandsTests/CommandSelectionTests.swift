// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Commands
import Testing

struct CommandSelectionTests {
    @Test(
        arguments: [
            ("run a", "rkt run", "a"),
            ("--net=none --debug run a", "rkt run", "--net=none --debug=true a"),
            ("--dir /x list --full", "rkt list", "--dir=/x --full"),
            ("--debug image --dir=/x list", "rkt image list", "--debug=true --dir=/x"),
            ("--set-env=A=B run a", "rkt run", "--set-env=A=B a"),
            ("--no-store --pull-policy new fetch a", "rkt fetch", "--no-store=true --pull-policy=new a"),
            (
                "--insecure-options=image --volume x,kind=empty run a", "rkt run",
                "--insecure-options=image --volume=x,kind=empty a"
            ),
            ("--pretty-print=false cat-manifest u", "rkt cat-manifest", "--pretty-print=false u"),
            ("run run", "rkt run", "run"),
            ("image", "rkt image", ""),
            ("", "rkt", ""),
            ("--debug", "rkt", "--debug=true"),
        ] as [(String, String, String)])
    func `flags may stand before the command`(words: String, command: String, arguments: String) throws {
        let selection = try CommandSelection(words.split(separator: " ").map(String.init))
        #expect(selection.node.name == command)
        #expect(selection.arguments.joined(separator: " ") == arguments)
    }

    @Test(
        arguments: [
            ("runn a", "unknown command \"runn\" for \"rkt\"", "Did you mean \"rkt run\"?"),
            ("image lits", "unknown command \"lits\" for \"rkt image\"", "Did you mean \"rkt image list\"?"),
            ("gibberish", "unknown command \"gibberish\" for \"rkt\"", nil),
        ] as [(String, String, String?)])
    func `unknown commands are named and likely ones suggested`(words: String, first: String, hint: String?) throws {
        let error = try #require(throws: UnknownCommandError.self) {
            try CommandSelection(words.split(separator: " ").map(String.init))
        }
        #expect(error.lines.first == first)
        #expect(error.lines.first { $0.hasPrefix("Did") } == hint)
    }

    @Test func `a flag that no command has is named`() {
        #expect(throws: UsageError("unknown flag: --gibberish")) { try CommandSelection(["--gibberish", "run"]) }
    }
}
