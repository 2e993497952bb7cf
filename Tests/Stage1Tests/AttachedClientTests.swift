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

/// Clients that share an app's streams, with the test as guest and as clients.
@Suite(.timeLimit(.minutes(5)))
struct AttachedClientTests {
    /// What `rkt attach` is to the supervisor.
    private final class Client {
        let socket: FileDescriptor
        private var decoder = FrameDecoder()

        init(_ pod: SupervisedPod, _ request: AttachRequest) throws {
            socket = try pod.connect()
            try say(.attach(session: 0, request))
        }

        func say(_ message: HostMessage) throws { try FileSystem.writeAll(message.frame.encoded, to: socket) }

        /// What it is told next; nil when its connection has ended.
        func next() async throws -> GuestMessage? {
            let deadline = Clock.milliseconds + 60_000
            while Clock.milliseconds < deadline {
                if let frame = try decoder.next() { return try GuestMessage(frame) }
                switch socket.readAvailable() {
                case .bytes(let bytes): decoder.append(bytes)
                case .end: return nil
                case .nothing:
                    guard try Poll.wait([(socket, .read)], timeout: 50).isEmpty else { continue }
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            throw TimedOut("a message for a client", .seconds(60))
        }

        /// All that it is told until its connection ends.
        func rest() async throws -> [GuestMessage] {
            var messages: [GuestMessage] = []
            while let message = try await next() { messages.append(message) }
            return messages
        }
    }

    /// A pod whose app `web` runs.
    private struct Scene {
        let pod: SupervisedPod
        let session: UInt32

        init(_ modes: [StreamMode]) async throws {
            pod = try SupervisedPod(modes: modes)
            try pod.connectAgent()
            guard case .startSession(let session, let request) = try await pod.hear() else {
                throw TimedOut("the start of the app's streams", .zero)
            }
            #expect(request.target == .appStreams(app: "web"))
            self.session = session
            try pod.say(.sessionStarted(session: session))
        }

        func attach(_ targets: AttachTargets = [], rows: UInt16 = 0, columns: UInt16 = 0) throws -> Client {
            try Client(pod, AttachRequest(app: "web", targets: targets, rows: rows, columns: columns))
        }

        /// The app writes, and its guest gets its credit back whoever reads.
        func write(_ bytes: [UInt8], to stream: GuestMessage.Stream = .output) async throws {
            try pod.say(.sessionOutput(session: session, stream: stream, bytes))
            #expect(try await pod.hear() == .outputCredit(channel: session, bytes: UInt32(bytes.count)))
        }

        func endApp() async throws {
            try pod.say(.sessionExit(session: session, status: 0))
            try pod.say(.appExit(app: "web", status: 0, cause: .exited))
            while try await pod.hear() != .exitRecorded(app: "web") {}
        }
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func output(_ answers: [GuestMessage], _ wanted: GuestMessage.Stream = .output) -> [UInt8] {
        answers.flatMap { message -> [UInt8] in
            guard case .sessionOutput(_, wanted, let bytes) = message else { return [] }
            return bytes
        }
    }

    @Test func whoComesLaterGetsWhatWasAndWhatIsUntilTheEnd() async throws {
        let scene = try await Scene([.nothing, .stream, .stream])
        try await scene.write(bytes("before\n"))
        let client = try scene.attach()
        #expect(try await client.next() == .attached(session: 0, [.stdout, .stderr]))
        #expect(try await client.next() == .sessionOutput(session: 0, stream: .output, bytes("before\n")))
        let errorsOnly = try scene.attach(.stderr)
        #expect(try await errorsOnly.next() == .attached(session: 0, .stderr))
        try await scene.write(bytes("after\n"))
        try await scene.write(bytes("complaint\n"), to: .error)
        try await scene.endApp()
        let rest = try await client.rest()
        #expect(output(rest) == bytes("after\n"))
        #expect(output(rest, .error) == bytes("complaint\n"))
        #expect(rest.last == .sessionExit(session: 0, status: 0))
        #expect(
            try await errorsOnly.rest() == [
                .sessionOutput(session: 0, stream: .error, bytes("complaint\n")), .sessionExit(session: 0, status: 0),
            ])
        let late = try scene.attach()
        #expect(try await late.rest() == [.sessionFailed(session: 0, "app \"web\" has ended")])
        _ = try await scene.pod.end()
    }

    @Test func aClientThatReadsNothingHoldsUpNobodyAndGetsTheNewest() async throws {
        let scene = try await Scene([.nothing, .stream, .journal])
        let stalled = try scene.attach()
        #expect(try await stalled.next() == .attached(session: 0, .stdout))
        // Three times what is kept, each kibibyte told apart by its number.
        let pieces = 3072
        var piece: [UInt8] = []
        for number in 0..<pieces {
            piece += bytes(String(repeating: "0", count: 8 - "\(number)".count) + "\(number)")
            piece += [UInt8](repeating: 0x2E, count: 1015) + [10]
            if piece.count == 16 << 10 {
                try await scene.write(piece)
                piece = []
            }
        }
        try await scene.endApp()
        var left = 0
        var all: [UInt8] = []
        while let message = try await stalled.next() {
            switch message {
            case .sessionOutput(_, .output, let bytes):
                all += bytes
                // The supervisor may have said all that it has.
                try? stalled.say(.outputCredit(channel: 0, bytes: UInt32(bytes.count)))
            case .outputGap(_, .output, let bytes): left += Int(bytes)
            case .sessionExit: break
            default: Issue.record("\(message)")
            }
        }
        #expect(left > 1 << 20)
        #expect(all.count + left == pieces << 10)
        #expect(String(decoding: all.suffix(1024).prefix(8), as: UTF8.self) == "00003071")
        #expect(String(decoding: all.prefix(8), as: UTF8.self) == "00000000")
        _ = try await scene.pod.end()
    }

    @Test func inputOfSeveralClientsArrivesInWholeFramesAndComesBackToItsOwner() async throws {
        let scene = try await Scene([.stream, .journal, .journal])
        let clients = [try scene.attach(.stdin), try scene.attach(.stdin)]
        for client in clients {
            #expect(try await client.next() == .attached(session: 0, .stdin))
        }
        let frames = [[UInt8](repeating: 65, count: 40_000), [UInt8](repeating: 66, count: 30_000)]
        try clients[0].say(.sessionInput(session: 0, frames[0]))
        #expect(try await scene.pod.hear() == .sessionInput(session: scene.session, frames[0]))
        // There is no room for all of it, and no part of it goes first.
        try clients[1].say(.sessionInput(session: 0, frames[1]))
        try clients[0].say(.sessionInput(session: 0, [67]))
        try scene.pod.say(.inputCredit(session: scene.session, bytes: 10_000))
        var heard: [HostMessage] = []
        for _ in 0..<2 { heard.append(try await scene.pod.hear()) }
        #expect(heard.contains(.sessionInput(session: scene.session, frames[1])))
        #expect(heard.contains(.sessionInput(session: scene.session, [67])))
        #expect(
            try await clients[0].next() == .inputCredit(session: 0, bytes: 10_000))
        try scene.pod.say(.inputCredit(session: scene.session, bytes: 60_001))
        #expect(
            try await clients[1].next() == .inputCredit(session: 0, bytes: 30_000))
        _ = try await scene.pod.end()
    }

    @Test func theEndOfInputClosesAPipeForGood() async throws {
        let scene = try await Scene([.stream, .stream, .journal])
        let endpoints = scene.pod.layout.endpoints("web")
        try await eventually("the endpoints") { FileSystem.exists(endpoints) }
        #expect(try FileSystem.readText(endpoints).contains(#""name":"stdin""#))
        let client = try scene.attach()
        #expect(try await client.next() == .attached(session: 0, [.stdin, .stdout]))
        try client.say(.sessionInput(session: 0, [1]))
        try client.say(.sessionEndOfInput(session: 0))
        #expect(try await scene.pod.hear() == .sessionInput(session: scene.session, [1]))
        #expect(try await scene.pod.hear() == .sessionEndOfInput(session: scene.session))
        try await eventually("the endpoints without input") {
            try !FileSystem.readText(endpoints).contains(#""name":"stdin""#)
        }
        let late = try scene.attach(.stdin)
        #expect(
            try await late.rest() == [
                .sessionFailed(session: 0, "app \"web\" has no endpoint \"stdin\"; it has stdout")
            ])
        try await scene.endApp()
        try await eventually("no endpoints") { !FileSystem.exists(endpoints) }
        _ = try await scene.pod.end()
    }

    @Test func theLastWindowDecidesAndAnotherClientOfItsSizeHasItDrawnAgain() async throws {
        let scene = try await Scene([.terminal, .terminal, .terminal])
        let first = try scene.attach(rows: 30, columns: 90)
        let both: AttachTargets = [.terminalInput, .terminalOutput]
        #expect(try await first.next() == .attached(session: 0, both))
        #expect(try await scene.pod.hear() == .sessionResize(session: scene.session, rows: 30, columns: 90))
        _ = try scene.attach(rows: 30, columns: 90)
        #expect(try await scene.pod.hear() == .sessionResize(session: scene.session, rows: 29, columns: 90))
        #expect(try await scene.pod.hear() == .sessionResize(session: scene.session, rows: 30, columns: 90))
        try first.say(.sessionResize(session: 0, rows: 50, columns: 132))
        #expect(try await scene.pod.hear() == .sessionResize(session: scene.session, rows: 50, columns: 132))
        _ = try await scene.pod.end()
    }

    @Test(
        arguments: [
            ([StreamMode.nothing, .journal, .journal], AttachTargets(), "none of its streams"),
            ([.nothing, .stream, .journal], .stderr, "has no endpoint \"stderr\"; it has stdout"),
            ([.nothing, .stream, .journal], [.terminalInput, .terminalOutput], "has no endpoint \"tty\""),
            ([.nothing, .terminal, .journal], .terminalInput, "has no endpoint \"tty-in\"; it has tty"),
        ] as [([StreamMode], AttachTargets, String)])
    func whatIsNotThereIsRefusedWithWhatIs(modes: [StreamMode], targets: AttachTargets, reason: String) async throws {
        let pod = try SupervisedPod(modes: modes)
        try pod.connectAgent()
        if modes.contains(where: \.isShared) {
            guard case .startSession(let session, _) = try await pod.hear() else {
                Issue.record("no session")
                return
            }
            try pod.say(.sessionStarted(session: session))
        }
        let client = try Client(pod, AttachRequest(app: "web", targets: targets))
        guard case .sessionFailed(_, let text)? = try await client.rest().first else {
            Issue.record("it was not refused")
            return
        }
        #expect(text.contains(reason))
        let stranger = try Client(pod, AttachRequest(app: "db"))
        #expect(
            try await stranger.rest() == [.sessionFailed(session: 0, "the pod has no app \"db\"")])
        _ = try await pod.end()
    }

    @Test func aTerminalForOutputOnlyIsJoinedLikeThat() async throws {
        let scene = try await Scene([.nothing, .terminal, .journal])
        let client = try scene.attach([.terminalInput, .terminalOutput])
        #expect(try await client.next() == .attached(session: 0, .terminalOutput))
        // Input that was not joined ends the connection.
        try client.say(.sessionInput(session: 0, [1]))
        #expect(try await client.rest().isEmpty)
        _ = try await scene.pod.end()
    }

    @Test(
        arguments: [
            (
                GuestMessage.sessionOutput(session: 2, stream: .error, [1]),
                "output of a stream that an app does not have"
            ),
            (.sessionOutput(session: 2, stream: .output, []), "without bytes"),
            (.inputCredit(session: 2, bytes: 1), "credit for bytes that were not sent"),
            (.sessionStarted(session: 2), "streams that have started already"),
            (.attached(session: 2, []), "a message of a supervisor"),
        ])
    func aGuestThatBreaksTheRulesLosesItsConnection(message: GuestMessage, complaint: String) async throws {
        let scene = try await Scene([.stream, .stream, .journal])
        try #require(scene.session == 2)
        let client = try scene.attach()
        #expect(try await client.next() != nil)
        try scene.pod.say(message)
        try await scene.pod.awaitComplaint(complaint)
        #expect(
            try await client.rest() == [
                .sessionFailed(session: 0, "the guest's agent broke the protocol")
            ])
        _ = try await scene.pod.end()
    }

    @Test func endpointsAreSocketsForPlainBytes() async throws {
        let scene = try await Scene([.stream, .stream, .journal])
        let directory = scene.pod.layout.endpointDirectory("web")
        try await eventually("the endpoints") { FileSystem.exists(scene.pod.layout.endpoints("web")) }
        try await scene.write(bytes("past\n"))
        let output = try UnixSocket.connect(directory.appending("sock-stdout"))
        try UnixSocket.setNonBlocking(output)
        #expect(try await scene.pod.received(on: output, atLeast: 5) == bytes("past\n"))
        try await scene.write(bytes("now\n"))
        #expect(try await scene.pod.received(on: output, atLeast: 4) == bytes("now\n"))
        // Who writes and leaves at once is heard; its end is not the app's.
        let input = try UnixSocket.connect(directory.appending("sock-stdin"))
        try FileSystem.writeAll(bytes("typed"), to: input)
        try input.close()
        #expect(try await scene.pod.hear() == .sessionInput(session: scene.session, bytes("typed")))
        try await scene.write(bytes("last\n"))
        try await scene.endApp()
        #expect(try await scene.pod.received(on: output, atLeast: 5) == bytes("last\n"))
        try await eventually("the end") {
            if case .end = output.readAvailable() { true } else { false }
        }
        #expect(try FileSystem.list(directory).isEmpty)
        _ = try await scene.pod.end()
    }

    @Test func whatAClientOfAnEndpointSaysBeforeItLeavesIsPassedOnHoweverSlowlyTheAppTakesIt() async throws {
        let scene = try await Scene([.stream, .journal, .journal])
        try await eventually("the endpoints") { FileSystem.exists(scene.pod.layout.endpoints("web")) }
        let socket = try UnixSocket.connect(scene.pod.layout.endpointDirectory("web").appending("sock-stdin"))
        let said = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 256) }
        try FileSystem.writeAll(said, to: socket)
        try SupervisedPod.leave(socket)
        var heard: [UInt8] = []
        func hear(_ count: Int) async throws {
            while heard.count < count {
                guard case .sessionInput(scene.session, let bytes) = try await scene.pod.hear() else {
                    throw TimedOut("input of the client", .zero)
                }
                heard += bytes
            }
        }
        try await hear(Credit.session)
        // The supervisor has seen that the client has gone when it has answered others.
        for _ in 0..<2 { #expect(try await scene.attach(.stdin).next() == .attached(session: 0, .stdin)) }
        try scene.pod.say(.inputCredit(session: scene.session, bytes: UInt32(heard.count)))
        try await hear(said.count)
        #expect(heard == said)
        try await scene.endApp()
        _ = try await scene.pod.end()
    }

    @Test func clientsOfEndpointsLeaveRoomForOthers() async throws {
        let scene = try await Scene([.nothing, .stream, .stream])
        try await eventually("the endpoints") { FileSystem.exists(scene.pod.layout.endpoints("web")) }
        var sockets: [FileDescriptor] = []
        for name in [String](repeating: "sock-stdout", count: 35) + [String](repeating: "sock-stderr", count: 35) {
            sockets.append(try UnixSocket.connect(scene.pod.layout.endpointDirectory("web").appending(name)))
        }
        let client = try scene.attach()
        #expect(try await client.next() == .attached(session: 0, [.stdout, .stderr]))
        for socket in sockets { try SupervisedPod.leave(socket) }
        _ = try await scene.pod.end()
    }

    @Test func whatAnAppWroteLastReachesItsClientsAfterThePodsEnd() async throws {
        let scene = try await Scene([.nothing, .stream, .journal])
        let client = try scene.attach()
        #expect(try await client.next() != nil)
        for _ in 0..<8 { try await scene.write([UInt8](repeating: 65, count: 32 << 10)) }
        try await scene.endApp()
        scene.pod.machine.powerOff()
        var all = 0
        while let message = try await client.next() {
            guard case .sessionOutput(_, _, let bytes) = message else { continue }
            all += bytes.count
            // The supervisor may have said all that it has.
            try? client.say(.outputCredit(channel: 0, bytes: UInt32(bytes.count)))
        }
        #expect(all == 256 << 10)
        _ = try await scene.pod.thread.value()
    }

    @Test func whatAnAppWroteLastReachesItsClientsAfterTheMachineHasClosedItsPort() async throws {
        let scene = try await Scene([.nothing, .stream, .journal])
        let client = try scene.attach()
        #expect(try await client.next() != nil)
        for _ in 0..<8 { try await scene.write([UInt8](repeating: 65, count: 32 << 10)) }
        try await scene.endApp()
        shutdown(scene.pod.machine.agentPort.rawValue, CInt(SHUT_RDWR))
        let other = try scene.attach()
        #expect(try await other.rest() == [.sessionFailed(session: 0, "the guest's agent cannot be reached")])
        var all = 0
        var last: GuestMessage?
        while let message = try await client.next() {
            last = message
            guard case .sessionOutput(_, _, let bytes) = message else { continue }
            all += bytes.count
            // The supervisor may have said all that it has.
            try? client.say(.outputCredit(channel: 0, bytes: UInt32(bytes.count)))
        }
        #expect(all == 256 << 10)
        #expect(last == .sessionExit(session: 0, status: 0))
        _ = try await scene.pod.end()
    }

    @Test func aClientThatAsksForMoreAndReadsNothingIsLetGo() async throws {
        let scene = try await Scene([.nothing, .stream, .journal])
        let liar = try scene.attach()
        #expect(try await liar.next() == .attached(session: 0, .stdout))
        let piece = [UInt8](repeating: 65, count: 32 << 10)
        var isLetGo = false
        // Four mebibytes are more than the supervisor keeps for one client, and what its socket holds with it.
        for _ in 0..<128 where !isLetGo {
            try await scene.write(piece)
            isLetGo = (try? liar.say(.outputCredit(channel: 0, bytes: UInt32(piece.count)))) == nil
        }
        #expect(isLetGo)
        let other = try scene.attach()
        #expect(try await other.next() == .attached(session: 0, .stdout))
        _ = try await scene.pod.end()
    }
}
