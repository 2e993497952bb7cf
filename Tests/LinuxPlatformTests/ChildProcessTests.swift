// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct ChildProcessTests {
    private func shell(_ script: String, descriptors: [Int32] = [-1, -1, -1]) -> SpawnRequest {
        SpawnRequest(
            path: "/bin/sh", arguments: ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"],
            descriptors: descriptors)
    }

    @Test func tellsHowAProgramEndedAsOftenAsItIsAsked() throws {
        let child = try ChildProcess.spawn(shell("exit 42"))
        #expect(try child.wait() == .exited(42))
        #expect(try child.poll() == .exited(42))
        #expect(try ChildProcess.spawn(shell("kill -9 $$")).wait() == .signalled(9))
    }

    @Test func limitsAreLoweredAndNotRaised() throws {
        let scratch = try ScratchDirectory()
        let file = try FileDescriptor.open(
            scratch.appending("limits"), .writeOnly, options: [.create], permissions: [.ownerReadWrite])
        defer { try? file.close() }
        var request = SpawnRequest(
            path: "/bin/sh", arguments: ["sh", "-c", "ulimit -c; ulimit -n; ulimit -Hn; ulimit -l"],
            environment: ["PATH=/usr/bin:/bin"], descriptors: [-1, file.rawValue, -1])
        request.limits = [
            ResourceLimit(.core, 0), ResourceLimit(.nofile, 64), ResourceLimit(.memlock, 8192),
            ResourceLimit(.msgqueue, 0), ResourceLimit(.nproc, 1 << 40),
        ]
        #expect(try ChildProcess.spawn(request).wait() == .exited(0))
        #expect(try FileSystem.readText(scratch.appending("limits")) == "0\n64\n64\n8\n")
    }

    @Test func theContextIsWrittenBeforeTheProgramIsExecuted() throws {
        let scratch = try ScratchDirectory()
        let (attribute, copy) = (scratch.appending("exec"), scratch.appending("copy"))
        try FileSystem.write([], to: attribute)
        var request = shell("cp '\(attribute)' '\(copy)'")
        let context = "system_u:system_r:svirt_t:s0:c3,c700"
        request.label = ProcessLabel(context, remedy: "change the policy", file: attribute)
        #expect(try ChildProcess.spawn(request).wait() == .exited(0))
        // All of it and nothing else: the kernel takes one write.
        #expect(try FileSystem.readText(copy) == context)
    }

    @Test func aContextThatCannotBeHadIsAnErrorThatNamesItAndTheRemedy() throws {
        let scratch = try ScratchDirectory()
        let trace = scratch.appending("trace")
        var request = shell("touch '\(trace)'")
        let missing = scratch.appending("no-such-file")
        request.label = ProcessLabel("u:r:t:s0", remedy: "change the policy", file: missing)
        var error = #expect(throws: RuntimeError.self) { try ChildProcess.spawn(request) }
        for word in ["/bin/sh", "\"u:r:t:s0\"", "\(missing)", "No such file", "; change the policy"] {
            #expect(error?.message.contains(word) == true, "\(word): \(String(describing: error))")
        }
        #expect(!FileSystem.exists(trace))
        // What the policy forbids is refused by execve(2), as is a file that nobody may execute.
        let plain = scratch.appending("plain")
        try FileSystem.write([], to: plain, mode: 0o600)
        request = SpawnRequest(path: plain, arguments: ["plain"])
        try FileSystem.write([], to: missing)
        request.label = ProcessLabel("u:r:t:s0", remedy: "change the policy", file: missing)
        error = #expect(throws: RuntimeError.self) { try ChildProcess.spawn(request) }
        for word in ["\(plain)", "\"u:r:t:s0\"", "Permission denied", "; change the policy"] {
            #expect(error?.message.contains(word) == true, "\(word): \(String(describing: error))")
        }
    }

    @Test func socketsHaveTheContextWhileTheyAreMadeAndNoLonger() throws {
        let scratch = try ScratchDirectory()
        let attribute = scratch.appending("sockcreate")
        try FileSystem.write([], to: attribute)
        let label = ProcessLabel("u:r:t:s0", remedy: "change the policy")
        let meanwhile = try label.onSockets(file: attribute) { try FileSystem.readText(attribute) }
        #expect(meanwhile == "u:r:t:s0")
        // It is taken back by a line without a context, also when nothing comes of the sockets.
        #expect(try FileSystem.readText(attribute).hasPrefix("\n"))
        struct Failure: Error {}
        #expect(throws: Failure.self) { try label.onSockets(file: attribute) { throw Failure() } }
        #expect(try FileSystem.readText(attribute).hasPrefix("\n"))
        var isReached = false
        let error = #expect(throws: RuntimeError.self) {
            try label.onSockets(file: scratch.appending("missing")) { isReached = true }
        }
        #expect(!isReached)
        for word in ["\"u:r:t:s0\"", "missing", "No such file", "; change the policy"] {
            #expect(error?.message.contains(word) == true, "\(word): \(String(describing: error))")
        }
    }

    @Test func aMissingProgramIsAnErrorThatNamesIt() {
        let request = SpawnRequest(path: "/nonexistent/program", arguments: ["x"])
        let error = #expect(throws: (any Error).self) { try ChildProcess.spawn(request) }
        #expect(String(describing: error).contains("/nonexistent/program"))
    }

    @Test func aProgramThatIsOpenForWritingForAMomentIsStartedAfterwards() throws {
        let scratch = try ScratchDirectory()
        let program = scratch.appending("program")
        try FileSystem.write(Array("#!/bin/sh\nexit 5\n".utf8), to: program, mode: 0o755)
        let (ours, theirs) = try FileDescriptor.pipe()
        defer { try? ours.close() }
        // Who has it open ends by itself, which may be while it is being started.
        let writer = try ChildProcess.spawn(
            shell("exec 3>>'\(program)'; echo open; exec sleep 0.2", descriptors: [-1, theirs.rawValue, -1]))
        try theirs.close()
        var byte: UInt8 = 0
        #expect(try withUnsafeMutableBytes(of: &byte) { try ours.read(into: $0) } == 1)
        let child = try ChildProcess.spawn(SpawnRequest(path: program, arguments: ["program"]))
        #expect(try child.wait() == .exited(5))
        #expect(try writer.wait() == .exited(0))
    }

    @Test func descriptorsArriveUnderTheirNumbersAndNoOthers() throws {
        let scratch = try ScratchDirectory()
        let files = try ["three", "four"].map { name in
            try FileDescriptor.open(
                scratch.appending(name), .readWrite, options: [.create], permissions: [.ownerReadWrite])
        }
        defer { for file in files { try? file.close() } }
        // The order is reversed, so that arranging them must not overwrite one by the other.
        let child = try ChildProcess.spawn(
            shell(
                "echo a >&3; echo b >&4; { echo c >&5; } 2>/dev/null && exit 1; exit 0",
                descriptors: [-1, -1, -1, files[1].rawValue, files[0].rawValue]))
        #expect(try child.wait() == .exited(0))
        #expect(try FileSystem.readText(scratch.appending("four")) == "a\n")
        #expect(try FileSystem.readText(scratch.appending("three")) == "b\n")
    }
}
