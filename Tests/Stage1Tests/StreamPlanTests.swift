// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GuestProtocol
import Stage1
import Testing

/// What annotations make of an app's standard streams.
struct StreamPlanTests {
    private func modes(_ streams: [(String, String)], _ arguments: String...) throws -> [StreamMode] {
        let plan = try PlannedPod(streams: streams).plan(arguments)
        let app = try #require(plan.configuration.apps.first)
        return [app.input, app.output, app.error]
    }

    @Test func withoutAnnotationsNothingIsReadAndOutputGoesToTheJournal() throws {
        #expect(try modes([]) == [.nothing, .journal, .journal])
    }

    @Test func eachStreamHasItsOwnMode() throws {
        let first = try modes([("stdin", "stream"), ("stdout", "tty"), ("stderr", "log")])
        #expect(first == [.stream, .terminal, .journal])
        let second = try modes([("stdin", "tty"), ("stdout", "null"), ("stderr", "stream")])
        #expect(second == [.terminal, .nothing, .stream])
    }

    @Test func anInteractiveAppHasOneTerminalForAll() throws {
        #expect(try modes([], "--interactive") == [.terminal, .terminal, .terminal])
        #expect(try modes([("stdin", "interactive")], "--interactive") == [.terminal, .terminal, .terminal])
    }

    @Test(arguments: [("stdin", "log"), ("stdout", "interactive"), ("stderr", "file")])
    func whatAStreamCannotBeIsRefused(stream: String, mode: String) {
        let error = #expect(throws: RuntimeError.self) { try modes([(stream, mode)]) }
        #expect(error?.message.contains("cannot connect \(stream) of app a to \"\(mode)\"") == true)
    }

    @Test func anAppThatNothingSupervisesCannotBeAttachedTo() throws {
        let pod = try PlannedPod(streams: [("stdout", "stream")])
        let error = #expect(throws: RuntimeError.self) {
            try pod.plan(["--net=host"], capabilities: [.hostNetwork, .preservesExitStatus])
        }
        #expect(error?.code == .unsupported)
    }
}
