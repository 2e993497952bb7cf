// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import GuestProtocol
import LinuxPlatform
import PodStore
import Stage1
import SystemPackage
import TestSupport
import Testing

/// Programs of the host that talk to a supervisor: its callers, `rkt enter` and `rkt stop`.
@Suite(.timeLimit(.minutes(5)))
struct SupervisorClientTests {
    @Test func aStalledReaderOfErrorsDoesNotStopSignals() async throws {
        let pod = try SupervisedPod { $0.debug = true }
        try pod.connectAgent()
        // More of the console than the pipe and the supervisor's patience hold.
        let text = Array(repeatElement(Array("0123456789\n".utf8), count: 3000).joined())
        for _ in 0..<20 {
            var rest = text[...]
            while !rest.isEmpty {
                if let count = pod.machine.console.writeAvailable(rest) { rest = rest.dropFirst(count) }
                try #require(!(try Poll.wait([(pod.machine.console, .write)], timeout: 10_000).isEmpty))
            }
        }
        pod.thread.signal(SIGTERM)
        #expect(try await pod.hear() == .stop)
        pod.machine.powerOff()
        try await eventually("what was dropped") {
            pod.complaints.contains("lines were dropped, as nobody read standard error")
        }
        _ = try await pod.thread.value()
    }

    @Test func theCallersDescriptorsKeepTheirMode() throws {
        let ends = try FileDescriptor.pipe()
        let stream = ErrorStream(ends.writeEnd)
        for _ in 0..<5000 { stream.notice("a line that nobody reads, as long as this one is") }
        #expect(fcntl(ends.writeEnd.rawValue, F_GETFL) & O_NONBLOCK == 0)
        #expect(stream.isWaiting)
        try ends.readEnd.close()
        try ends.writeEnd.close()
    }

    @Test func aSessionStartsWhenTheAgentIsThere() async throws {
        let pod = try SupervisedPod()
        let client = try pod.connect()
        try pod.send(.startSession(session: 0, SupervisedPod.request), from: client)
        try pod.send(.sessionInput(session: 0, [1, 2, 3]), from: client)
        try pod.connectAgent()
        guard case .startSession(let session, SupervisedPod.request) = try await pod.hear() else {
            Issue.record("no session was started")
            return
        }
        #expect(try await pod.hear() == .sessionInput(session: session, [1, 2, 3]))
        try pod.say(.sessionStarted(session: session))
        try pod.say(.inputCredit(session: session, bytes: 3))
        try pod.say(.sessionExit(session: session, status: 5))
        let answers = try await pod.answers(to: client)
        #expect(
            answers == [
                .sessionStarted(session: 0), .inputCredit(session: 0, bytes: 3), .sessionExit(session: 0, status: 5),
            ])
        _ = try await pod.end()
    }

    @Test func clientsAreToldThatTheAgentIsGone() async throws {
        let pod = try SupervisedPod()
        let early = try pod.connect()
        try pod.send(.startSession(session: 0, SupervisedPod.request), from: early)
        try pod.connectAgent()
        guard case .startSession = try await pod.hear() else {
            Issue.record("no session was started")
            return
        }
        try pod.say(.hello(version: ProtocolVersion.current, role: .agent))
        #expect(
            try await pod.answers(to: early) == [.sessionFailed(session: 0, "the guest's agent broke the protocol")])
        let late = try pod.connect()
        try pod.send(.startSession(session: 0, SupervisedPod.request), from: late)
        #expect(try await pod.answers(to: late) == [.sessionFailed(session: 0, "the guest's agent cannot be reached")])
        _ = try await pod.end()
    }

    @Test func clientsThatWaitAreToldThatThePodEnded() async throws {
        let pod = try SupervisedPod()
        let client = try pod.connect()
        try pod.send(.startSession(session: 0, SupervisedPod.request), from: client)
        _ = try await pod.end()
        #expect(try await pod.answers(to: client).allSatisfy { if case .sessionFailed = $0 { true } else { false } })
    }

    @Test(arguments: [true, false]) func aClientBeyondItsCreditIsAloneInItsLoss(sendsInput: Bool) async throws {
        let pod = try SupervisedPod()
        try pod.connectAgent()
        let client = try pod.connect()
        try pod.send(.startSession(session: 0, SupervisedPod.request), from: client)
        guard case .startSession(let session, _) = try await pod.hear() else {
            Issue.record("no session was started")
            return
        }
        if sendsInput {
            for _ in 0..<5 {
                try pod.send(.sessionInput(session: 0, Array(repeating: 0, count: 16 << 10)), from: client)
            }
            for _ in 0..<4 {
                guard case .sessionInput = try await pod.hear() else {
                    Issue.record("no input came")
                    return
                }
            }
        } else {
            try pod.send(.outputCredit(channel: 0, bytes: 1), from: client)
        }
        #expect(try await pod.hear() == .closeSession(session: session))
        try pod.say(.appExit(app: "web", status: 0, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web"))
        #expect(try await pod.end().status == 0)
    }

    @Test(arguments: [SIGINT, SIGTERM]) func enterEndsBySignalBeforeItsSessionRuns(signal: Int32) async throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("agent.sock")
        let listener = try UnixSocket.listen(path)
        let enter = SignalledThread {
            var client = try EnterClient(socketPath: path)
            return try client.run(EnterClient.Arguments(parsing: ["--appname=web", "--", "true"]))
        }
        // The request has come, and is not answered.
        let (socket, _) = try #require(try UnixSocket.accept(listener))
        try #require(!(try Poll.wait([(socket, .read)], timeout: 20_000).isEmpty))
        enter.signal(signal)
        #expect(try await enter.value() == 128 + signal)
    }

    @Test func enterPassesSignalsToWhatRuns() async throws {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("agent.sock")
        let listener = try UnixSocket.listen(path)
        let enter = SignalledThread {
            var client = try EnterClient(socketPath: path)
            return try client.run(EnterClient.Arguments(parsing: ["--appname=web", "--", "true"]))
        }
        let (socket, _) = try #require(try UnixSocket.accept(listener))
        // Credit tells that the start has been read.
        let start = GuestMessage.sessionStarted(session: 0).frame.encoded
        try FileSystem.writeAll(
            start + GuestMessage.sessionOutput(session: 0, stream: .error, [10]).frame.encoded, to: socket)
        var decoder = FrameDecoder()
        func next() throws -> HostMessage {
            while true {
                if let frame = try decoder.next() { return try HostMessage(frame) }
                guard case .bytes(let bytes) = socket.readAvailable() else { throw TimedOut("a message", .zero) }
                decoder.append(bytes)
            }
        }
        while try next() != .outputCredit(channel: 0, bytes: 1) {}
        enter.signal(SIGINT)
        while try next() != .sessionSignal(session: 0, signal: SIGINT) {}
        try FileSystem.writeAll(GuestMessage.sessionExit(session: 0, status: 7).frame.encoded, to: socket)
        #expect(try await enter.value() == 7)
    }

    @Test func aStopThatCameBeforeTheMachineEndsThePodInOrder() async throws {
        let pod = try SupervisedPod(early: [SIGTERM])
        try pod.boot()
        _ = try await pod.hear(on: pod.machine.bootPort)
        try pod.connectAgent()
        #expect(try await pod.hear() == .stop)
        let end = try await pod.end()
        #expect(end.status == 0)
        #expect(pod.complaints == "")
    }

    @Test func stopWaitsForAPodThatIsStarting() async throws {
        let scratch = try ScratchDirectory()
        let layout = PodLayout(directory: scratch.path)
        let lock = try FileLock.acquire(layout.directory, .exclusive)
        let child = try ChildProcess.spawn(SpawnRequest(path: "/bin/sleep", arguments: ["sleep", "1000"]))
        let request = SignalledThread { try StopRequest(pod: layout).send(force: false) }
        try await eventually("the request") { !request.hasEnded }
        try FileSystem.writeAtomically(Array("\(child.pid)\n".utf8), to: layout.pidFile)
        try await request.value()
        #expect(try child.wait() == .signalled(SIGTERM))
        child.close()
        lock.release()
    }

    @Test func stopDoesNotWaitForEver() throws {
        let scratch = try ScratchDirectory()
        var request = StopRequest(pod: PodLayout(directory: scratch.path))
        request.patience = 50
        // Nobody holds the pod: it has ended.
        try request.send(force: false)
        let lock = try FileLock.acquire(scratch.path, .exclusive)
        let error = #expect(throws: (any Error).self) { try request.send(force: true) }
        #expect(error.map { "\($0)".contains("the pod is starting") } == true)
        lock.release()
    }
}
