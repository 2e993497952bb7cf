// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@Suite(.requiresBuild, .requiresRoot, .requiresQEMU, .podLogs, .timeLimit(.minutes(5)))
struct InteractiveTests {
    @Test func theAppHasTheCallersTerminal() async throws {
        let script = """
            for f in 0 1 2; do [ -t $f ] && echo is-$f; done
            stty size; echo question; read answer; echo "got <$answer>"; exit 5
            """
        try await PodFixture.with { fixture in
            let terminal = try PseudoTerminal(rows: 30, columns: 90)
            let before = terminal.modes
            let run = try fixture.start(
                ["run", "--interactive"] + PodFixture.busybox(script), input: .terminal(terminal))
            try await terminal.awaitText("question")
            try terminal.type("forty two\n")
            #expect(try await run.end(within: .seconds(60)).status == 5)
            let lines = terminal.lines.filter { !$0.contains(": warning: ") }
            #expect(lines == ["is-0", "is-1", "is-2", "30 90", "question", "forty two", "got <forty two>"])
            #expect(terminal.modes == before)
            let uuid = try #require(fixture.uuids.first)
            #expect(try await fixture.status(uuid)["app-busybox"] == (TestedStage1.has(.supervisor) ? "5" : nil))
        }
    }

    @Test(.requires(.supervisor), arguments: [true, false])
    func theEscapeSequenceEndsThePod(isInteractive: Bool) async throws {
        try await PodFixture.with { fixture in
            let terminal = try PseudoTerminal()
            let before = terminal.modes
            let run = try fixture.start(
                ["run"] + (isInteractive ? ["--interactive"] : []) + PodFixture.busybox("echo up; exec sleep 100000"),
                input: .terminal(terminal))
            try await terminal.awaitText("up")
            #expect(terminal.modes != before)
            try terminal.type(TestedStage1.has(.ownKernel) ? "\u{1}x" : "\u{1D}\u{1D}\u{1D}")
            #expect(try await run.end(within: .seconds(20)).status == 0)
            #expect(terminal.modes == before)
            let uuid = try #require(fixture.uuids.first)
            #expect(try await fixture.status(uuid)["state"] == "exited")
        }
    }

    @Test(.requires(.supervisor)) func withoutTheFlagAnAppHasNoTerminal() async throws {
        try await PodFixture.with { fixture in
            let terminal = try PseudoTerminal()
            let run = try fixture.start(
                ["run"]
                    + PodFixture.busybox(
                        "for f in 0 1 2; do [ -t $f ] && echo is-$f; done; read line || echo no input; echo end"),
                input: .terminal(terminal))
            #expect(try await run.end(within: .seconds(60)).status == 0)
            #expect(!terminal.screen.contains("is-"))
            #expect(terminal.screen.contains("no input"))
        }
    }
}
