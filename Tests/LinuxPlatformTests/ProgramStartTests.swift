// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Programs that cannot be started; those that can are started by every other test.
struct ProgramStartTests {
    private let scratch: ScratchDirectory

    init() throws {
        scratch = try ScratchDirectory()
        for (name, mode) in [("plain", 0o644), ("script", 0o755)] as [(String, UInt32)] {
            try FileSystem.write("#!/nowhere/sh\n".utf8, to: scratch.appending(name), mode: mode)
        }
    }

    @Test(
        arguments: [
            ("absent", "Unable to open \"absent\": No such file or directory"),
            ("/no where/x", "Unable to open \"/no where/x\": No such file or directory"),
            ("script", "Unable to open \"/nowhere/sh\": No such file or directory"),
            ("", "There is nothing to execute"),
        ])
    func theReasonIsNamed(command: String, reason: String) throws {
        let failure = #expect(throws: ProgramFailure.self) { try execute(command) }
        #expect(failure?.message == reason)
        #expect(failure?.status == ExitStatus.cannotExecute)
    }

    private func execute(_ command: String) throws {
        try ProgramStart.execute([command], environment: ["PATH=/nowhere:\(scratch.path)"])
    }

    @Test func aMissingWorkingDirectoryHasItsOwnStatus() {
        let failure = #expect(throws: ProgramFailure.self) {
            try ProgramStart.enter(workingDirectory: "/nowhere/at all")
        }
        #expect(failure?.status == 200)
        #expect(failure?.message.contains("\"/nowhere/at all\"") == true)
    }

    @Test func commandsAreLookedForInTheLastPathOnly() {
        let search = ExecutableSearch(environment: ["PATH=/a", "PATH=/b::/c"])
        #expect(search.candidates(for: "x") == ["/b/x", "x", "/c/x"])
        #expect(search.candidates(for: "./x") == ["./x"])
        #expect(ExecutableSearch(environment: []).candidates(for: "x").last == "/bin/x")
    }

    private final class Answers: Sendable { let list = Mutex<[String]?>(nil) }

    @Test func aFIFOIsNoProgramAndIsNotWaitedFor() async throws {
        let path = scratch.appending("fifo").string
        try #require(mkfifo(path, 0o755) == 0 && chmod(path, 0o755) == 0)
        try FileSystem.makeSymbolicLink(to: path, at: scratch.appending("link"))
        // Lets one go on that waits for the other end.
        defer { close(open(path, O_RDWR | O_NONBLOCK)) }
        let answers = Answers(), link = scratch.appending("link")
        Task.detached {
            let search = ExecutableSearch(environment: [])
            let error = RuntimeError(.permissionDenied, "denied")
            let list = [
                Interpreter.of(link) ?? "none", "\(search.canExecute(link.string))",
                search.explain(link.string, error),
            ]
            answers.list.withLock { $0 = list }
        }
        try await eventually("an answer", within: .seconds(60)) { answers.list.withLock { $0 != nil } }
        #expect(answers.list.withLock { $0 } == ["none", "false", "Unable to execute \"\(link)\": denied"])
    }
}
