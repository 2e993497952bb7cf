// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import GuestProtocol
import LinuxPlatform
import Stage1
import SystemPackage
import TestSupport
import Testing

/// What a supervisor makes of clients that change the apps of a mutable pod, and of a guest that is the test.
@Suite(.timeLimit(.minutes(5)))
struct LiveAppsTests {
    private static let web = LiveApp(
        app: .init(name: "web", root: "/opt/stage2/.live/1", exec: ["/bin/web"], environment: ["A=1"]), files: [])

    /// A pod whose agent has connected.
    private func mutablePod() throws -> SupervisedPod {
        let pod = try SupervisedPod(isMutable: true)
        try pod.connectAgent()
        return pod
    }

    private func ask(_ pod: SupervisedPod, _ messages: HostMessage...) throws -> FileDescriptor {
        let client = try pod.connect()
        for message in messages { try pod.send(message, from: client) }
        return client
    }

    private func add(_ pod: SupervisedPod, _ app: LiveApp = Self.web) async throws {
        let client = try pod.connect()
        for message in app.messages(request: 0) { try pod.send(message, from: client) }
        guard case .appPart(let number, let bytes) = try await pod.hear() else {
            Issue.record("the guest is not given the app")
            return
        }
        #expect(try LiveApp(decoding: bytes) == app)
        #expect(try await pod.hear() == .addApp(request: number))
        try pod.say(.requestDone(request: number))
        #expect(try await pod.answers(to: client) == [.requestDone(request: 0)])
    }

    private func start(_ pod: SupervisedPod, run: UInt32) async throws {
        let client = try ask(pod, .startApp(request: 0, app: "web", run: 0))
        guard case .startApp(let number, "web", let asked) = try await pod.hear() else {
            Issue.record("the guest is not asked to start the app")
            return
        }
        #expect(asked == run)
        try pod.say(.requestDone(request: number))
        try pod.say(.appStarted(app: "web", run: run))
        #expect(try await pod.answers(to: client) == [.requestDone(request: 0)])
    }

    /// Tells the app's end, once or twice.
    private func end(
        _ pod: SupervisedPod, run: UInt32, _ status: Int32, _ cause: GuestMessage.ExitCause = .exited, reports: Int = 2
    ) async throws {
        for _ in 0..<reports {
            try pod.say(.appExit(app: "web", run: run, status: status, cause: cause))
            #expect(try await pod.hear() == .exitRecorded(app: "web", run: run))
        }
    }

    private func status(_ pod: SupervisedPod) throws -> String { try FileSystem.readText(pod.layout.status("web")) }

    @Test func anAppThatFailsIsStartedAgainAndEndsNothingElse() async throws {
        let pod = try mutablePod()
        try await add(pod)
        #expect(!FileSystem.exists(pod.layout.appStarted("web")))
        try await start(pod, run: 1)
        #expect(FileSystem.exists(pod.layout.appStarted("web")))
        #expect(try FileSystem.readText(pod.layout.environment("web")) == "A=1\0")
        try await end(pod, run: 1, 3)
        #expect(try status(pod) == "3\n")
        let client = try ask(pod, .startApp(request: 0, app: "web", run: 0))
        guard case .startApp(let number, "web", 2) = try await pod.hear() else {
            Issue.record("the app is not started again")
            return
        }
        #expect(!FileSystem.exists(pod.layout.status("web")))
        // It ended before anything of it could be executed.
        try pod.say(.requestDone(request: number))
        try await end(pod, run: 2, 4)
        #expect(try await pod.answers(to: client) == [.requestDone(request: 0)])
        #expect(try status(pod) == "4\n")
        let end = try await pod.end()
        #expect(end.status == 0)
        #expect(end.outcome.cause == "completed")
    }

    @Test func aStopIsAnsweredWhenTheStatusIsOnDisk() async throws {
        let pod = try mutablePod()
        try await add(pod)
        try await start(pod, run: 1)
        let client = try ask(pod, .stopApp(request: 0, app: "web", run: 0))
        guard case .stopApp(let number, "web", 1) = try await pod.hear() else {
            Issue.record("the guest is not asked to stop the app")
            return
        }
        try pod.say(.requestDone(request: number))
        // What is asked meanwhile waits: it is for the next run.
        let next = try ask(pod, .startApp(request: 0, app: "web", run: 0))
        try await end(pod, run: 1, 143, .stopped, reports: 1)
        #expect(try await pod.answers(to: client) == [.requestDone(request: 0)])
        #expect(try status(pod) == "143\n")
        #expect(try FileSystem.readText(pod.layout.exitCause("web")) == "stopped\n")
        try await end(pod, run: 1, 143, .stopped, reports: 1)
        guard case .startApp(let second, "web", 2) = try await pod.hear() else {
            Issue.record("the app is not started again")
            return
        }
        #expect(!FileSystem.exists(pod.layout.appStarted("web")))
        try pod.say(.requestFailed(request: second, "no\nsuch thing"))
        #expect(try await pod.answers(to: next) == [.requestFailed(request: 0, "no such thing")])
        // It does not run: there is nothing to ask the guest for.
        let idle = try ask(pod, .stopApp(request: 0, app: "web", run: 0))
        #expect(try await pod.answers(to: idle) == [.requestDone(request: 0)])
        #expect(try await pod.end().status == 0)
    }

    @Test func anAppThatRunsIsStoppedBeforeItIsRemoved() async throws {
        let pod = try mutablePod()
        try await add(pod)
        try await start(pod, run: 1)
        let running = try ask(pod, .startApp(request: 0, app: "web", run: 0))
        #expect(try await pod.answers(to: running) == [.requestDone(request: 0)])
        let client = try ask(pod, .removeApp(request: 0, app: "web"))
        guard case .stopApp(let stop, "web", 1) = try await pod.hear() else {
            Issue.record("the app is not stopped")
            return
        }
        try pod.say(.requestDone(request: stop))
        try await end(pod, run: 1, 143, .stopped)
        guard case .removeApp(let remove, "web") = try await pod.hear() else {
            Issue.record("the app is not removed")
            return
        }
        try pod.say(.requestDone(request: remove))
        #expect(try await pod.answers(to: client) == [.requestDone(request: 0)])
        // The name is free.
        try await add(pod)
        try await start(pod, run: 1)
        try await end(pod, run: 1, 0)
        #expect(try await pod.end().status == 0)
    }

    @Test func aStartThatHasWaitedIsRefusedWhenThePodIsBeingStopped() async throws {
        let pod = try mutablePod()
        try await add(pod)
        try await start(pod, run: 1)
        try await end(pod, run: 1, 0, reports: 1)
        // Not all of its lines have come.
        let client = try ask(pod, .startApp(request: 0, app: "web", run: 0))
        // What another is answered has been read after that.
        let idle = try ask(pod, .stopApp(request: 0, app: "web", run: 0))
        let unknown = try ask(pod, .startApp(request: 0, app: "db", run: 0))
        #expect(try await pod.answers(to: unknown).count == 1)
        pod.thread.signal(SIGTERM)
        #expect(try await pod.hear() == .stop)
        try await end(pod, run: 1, 0, reports: 1)
        #expect(try await pod.answers(to: client) == [.requestFailed(request: 0, "the pod is being stopped")])
        #expect(try await pod.answers(to: idle) == [.requestDone(request: 0)])
        _ = try await pod.end()
    }

    @Test func anAppThatNobodyWaitsForAnyMoreIsTakenBack() async throws {
        let pod = try mutablePod()
        let client = try pod.connect()
        for message in Self.web.messages(request: 0) { try pod.send(message, from: client) }
        guard case .appPart = try await pod.hear(), case .addApp(let number) = try await pod.hear() else {
            Issue.record("the guest is not given the app")
            return
        }
        try SupervisedPod.leave(client)
        // What another is answered has been read after that.
        let unknown = try ask(pod, .startApp(request: 0, app: "db", run: 0))
        #expect(try await pod.answers(to: unknown).count == 1)
        try pod.say(.requestDone(request: number))
        guard case .removeApp(let remove, "web") = try await pod.hear() else {
            Issue.record("the app is kept")
            return
        }
        // The name is free, after that.
        let next = try pod.connect()
        for message in Self.web.messages(request: 0) { try pod.send(message, from: next) }
        try pod.say(.requestDone(request: remove))
        guard case .appPart = try await pod.hear(), case .addApp(let second) = try await pod.hear() else {
            Issue.record("the app is not added again")
            return
        }
        try pod.say(.requestDone(request: second))
        #expect(try await pod.answers(to: next) == [.requestDone(request: 0)])
        #expect(try await pod.end().status == 0)
    }

    // MARK: - Streams

    private static let shell = LiveApp(
        app: .init(
            name: "web", root: "/opt/stage2/.live/1", exec: ["/bin/sh"], input: .nothing, output: .stream,
            error: .journal), files: [])

    /// Starts the app and gives it its streams.
    ///
    /// - Returns: the session that they have in the guest.
    private func startWithStreams(_ pod: SupervisedPod, run: UInt32) async throws -> UInt32 {
        let client = try ask(pod, .startApp(request: 0, app: "web", run: 0))
        guard case .startApp(let number, "web", run) = try await pod.hear() else {
            throw TimedOut("the start of run \(run)", .zero)
        }
        // After the start: what the guest knows of the last run is gone then.
        guard case .startSession(let session, let request) = try await pod.hear() else {
            throw TimedOut("the start of the app's streams", .zero)
        }
        #expect(request.target == .appStreams(app: "web"))
        try pod.say(.requestDone(request: number))
        try pod.say(.sessionStarted(session: session))
        try pod.say(.appStarted(app: "web", run: run))
        #expect(try await pod.answers(to: client) == [.requestDone(request: 0)])
        return session
    }

    private func write(_ text: String, _ pod: SupervisedPod, _ session: UInt32) async throws {
        try pod.say(.sessionOutput(session: session, stream: .output, Array(text.utf8)))
        #expect(try await pod.hear() == .outputCredit(channel: session, bytes: UInt32(text.utf8.count)))
    }

    @Test func streamsBeginAnewForEachRun() async throws {
        let pod = try mutablePod()
        try await add(pod, Self.shell)
        let attach = HostMessage.attach(session: 0, AttachRequest(app: "web"))
        // Who comes before the start waits for it.
        let early = try ask(pod, attach)
        let first = try await startWithStreams(pod, run: 1)
        try await write("one", pod, first)
        let one = [
            GuestMessage.attached(session: 0, .stdout), .sessionOutput(session: 0, stream: .output, Array("one".utf8)),
        ]
        #expect(try await pod.answers(to: early, most: 2) == one)
        try pod.say(.sessionExit(session: first, status: 3))
        try await end(pod, run: 1, 3)
        #expect(try await pod.answers(to: early) == [.sessionExit(session: 0, status: 3)])
        let late = try ask(pod, attach)
        #expect(try await pod.answers(to: late) == [.sessionFailed(session: 0, "app \"web\" has ended")])
        #expect(!FileSystem.exists(pod.layout.endpoints("web")))

        let second = try await startWithStreams(pod, run: 2)
        #expect(second != first)
        try await eventually("the endpoints") { FileSystem.exists(pod.layout.endpoints("web")) }
        try await write("two", pod, second)
        let reader = try ask(pod, attach)
        #expect(
            try await pod.answers(to: reader, most: 2) == [
                one[0], .sessionOutput(session: 0, stream: .output, Array("two".utf8)),
            ])
        // A guest that keeps the end of the streams to itself keeps nobody waiting.
        try pod.say(.appExit(app: "web", run: 2, status: 4, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web", run: 2))
        try pod.say(.appExit(app: "web", run: 2, status: 4, cause: .exited))
        #expect(try await pod.hear() == .exitRecorded(app: "web", run: 2))
        #expect(try await pod.hear() == .closeSession(session: second))
        #expect(try await pod.answers(to: reader) == [.sessionExit(session: 0, status: 0)])
        // What it had sent before it was told is no breach.
        try pod.say(.sessionOutput(session: second, stream: .output, [65]))
        try pod.say(.sessionExit(session: second, status: 4))

        let client = try ask(pod, .removeApp(request: 0, app: "web"))
        guard case .removeApp(let remove, "web") = try await pod.hear() else {
            Issue.record("the app is not removed")
            return
        }
        try pod.say(.requestDone(request: remove))
        #expect(try await pod.answers(to: client) == [.requestDone(request: 0)])
        let gone = try ask(pod, attach)
        #expect(try await pod.answers(to: gone) == [.sessionFailed(session: 0, "the pod has no app \"web\"")])
        #expect(try await pod.end().status == 0)
    }

    @Test func whatCannotBeDoneIsTold() async throws {
        let pod = try mutablePod()
        let unknown = try ask(pod, .startApp(request: 0, app: "db", run: 0))
        #expect(try await pod.answers(to: unknown) == [.requestFailed(request: 0, "nonexistent app \"db\"")])
        // One that fails in the guest is not in the pod.
        let client = try pod.connect()
        for message in Self.web.messages(request: 0) { try pod.send(message, from: client) }
        _ = try await pod.hear()
        guard case .addApp(let number) = try await pod.hear() else {
            Issue.record("the guest is not told that the app is complete")
            return
        }
        try pod.say(.requestFailed(request: number, "setting up the root of app web: no space"))
        let reason = "setting up the root of app web: no space"
        #expect(try await pod.answers(to: client) == [.requestFailed(request: 0, reason)])
        try await add(pod)
        let twice = try pod.connect()
        for message in Self.web.messages(request: 0) { try pod.send(message, from: twice) }
        guard case .requestFailed(0, let taken)? = try await pod.answers(to: twice).first else {
            Issue.record("the name is free")
            return
        }
        #expect(taken.contains("already"))
        _ = try await pod.end()

        let immutable = try SupervisedPod()
        try immutable.connectAgent()
        let refused = try ask(immutable, .stopApp(request: 0, app: "web", run: 0))
        guard case .requestFailed(0, let why)? = try await immutable.answers(to: refused).first else {
            Issue.record("an immutable pod is changed")
            return
        }
        #expect(why.contains("immutable"))
        _ = try await immutable.end()
    }

    @Test func clientsAreBounded() async throws {
        let pod = try mutablePod()
        for messages in [
            // More than an app may be, what is no app, what no app is called, and something else after a part.
            [HostMessage](repeating: .appPart(request: 0, [UInt8](repeating: 0, count: 60_000)), count: 20),
            [.addApp(request: 0)], [.startApp(request: 0, app: "../web", run: 0)],
            [.appPart(request: 0, [1]), .startSession(session: 0, SupervisedPod.request)],
        ] {
            let client = try pod.connect()
            for message in messages { try? pod.send(message, from: client) }
            #expect(try await pod.answers(to: client) == [])
        }
        #expect(try await pod.end().status == 0)
    }

    @Test(
        arguments: [
            GuestMessage.requestDone(request: 99), .requestFailed(request: 99, ""), .appStarted(app: "db", run: 1),
            .appStarted(app: "web", run: 1), .appStarted(app: "web", run: 2),
            .appExit(app: "web", run: 0, status: 0, cause: .exited),
            .appExit(app: "web", run: 2, status: 0, cause: .exited),
        ])
    func whatNobodyAskedForBreaksTheProtocol(message: GuestMessage) async throws {
        let pod = try mutablePod()
        try await add(pod)
        try await start(pod, run: 1)
        let client = try ask(pod, .stopApp(request: 0, app: "web", run: 0))
        _ = try await pod.hear()
        try pod.say(message)
        guard case .requestFailed(0, _)? = try await pod.answers(to: client).first else {
            Issue.record("a client waits for a guest that is not listened to")
            return
        }
        try await pod.awaitComplaint("broke the protocol")
        let late = try ask(pod, .removeApp(request: 0, app: "web"))
        guard case .requestFailed(0, let reason)? = try await pod.answers(to: late).first else {
            Issue.record("a client is not answered")
            return
        }
        #expect(reason.contains("cannot be reached"))
        _ = try await pod.end()
    }

    @Test func theEntrypointsTellWhatTheSupervisorAnswers() async throws {
        let pod = try mutablePod()
        let socket = pod.layout.agentSocket
        let client = SignalledThread { try LiveAppClient(socketPath: socket).request(Self.web.messages(request: 0)) }
        _ = try await pod.hear()
        guard case .addApp(let number) = try await pod.hear() else {
            Issue.record("the guest is not told that the app is complete")
            return
        }
        try pod.say(.requestDone(request: number))
        try await client.value()
        #expect(throws: (any Error).self) {
            try LiveAppClient(socketPath: socket).request([.stopApp(request: 0, app: "db", run: 0)])
        }
        _ = try await pod.end()
    }

    @Test func clientsThatAskAndLeaveDoNotFillTheSupervisor() async throws {
        // Its agent does not come: nothing is answered.
        let pod = try SupervisedPod(isMutable: true)
        for _ in 0..<256 { try SupervisedPod.leave(ask(pod, .stopApp(request: 0, app: "web", run: 0))) }
        let client = try ask(pod, .stopApp(request: 0, app: "web", run: 0))
        #expect(
            try await pod.answers(to: client) == [
                .requestFailed(request: 0, "too many changes of the pod wait; try again later")
            ])
        _ = try await pod.end()
    }
}
