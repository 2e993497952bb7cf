// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Testing

struct MessageTests {
    static let guestMessages: [GuestMessage] = [
        .hello(version: 1, role: .shim), .hello(version: 1, role: .agent), .phase(name: "shim", microseconds: .max),
        .failed("no such share"), .ready,
        .output(.init(identifier: "web", pid: 42, microseconds: 1, priority: 6, text: [0, 255, 10])),
        .appExit(app: "web", status: 42, cause: .exited), .sessionOutput(session: 9, stream: .error, [1, 2, 3]),
        .sessionOutput(session: 9, stream: .output, []), .sessionExit(session: 9, status: -1),
        .sessionStarted(session: 9),
        .sessionFailed(session: 9, "no"), .inputCredit(session: 9, bytes: 12),
    ]

    static let hostMessages: [HostMessage] = [
        .pod(sample), .stop, .exitRecorded(app: "web"),
        .startSession(
            session: 3,
            .init(
                target: .command(app: "web", arguments: ["a", ""]), terminal: true, rows: 1, columns: 2,
                terminalType: "x")),
        .startSession(session: 3, .init(target: .appTerminal(app: "web"))), .sessionInput(session: 3, [4]),
        .sessionEndOfInput(session: 3), .sessionResize(session: 3, rows: 50, columns: 132),
        .sessionSignal(session: 3, signal: 15), .closeSession(session: 3), .outputCredit(channel: 0, bytes: 1),
    ]

    static let sample = PodConfiguration(
        hostname: "h", machineID: "0123", debug: true, kernelSettings: [.init(path: "a/b", value: "1")],
        shares: [.init(type: "9p", tag: "t", mountPoint: "/m", options: "o", readOnly: true)],
        files: [.init(path: "/run/a", content: .text("x\n")), .init(path: "/run/b", content: .link("a"))],
        apps: [
            .init(
                name: "web", root: "/r", exec: ["a", "b c"], preStart: ["p"], postStop: [], workingDirectory: "/w",
                environment: ["A=1"], uid: 5, gid: 6, supplementaryGIDs: [7, 8], capabilityBoundingSet: 1 << 40,
                noNewPrivileges: true, readOnlyRoot: true, protectsKernelPaths: false, hasTerminal: true)
        ])

    @Test(arguments: guestMessages) func guestMessagesSurviveTheWire(message: GuestMessage) throws {
        #expect(try GuestMessage(message.frame) == message)
    }

    @Test(arguments: hostMessages) func hostMessagesSurviveTheWire(message: HostMessage) throws {
        #expect(try HostMessage(message.frame) == message)
    }

    @Test(arguments: guestMessages) func everyCutOfAGuestMessageIsRefusedOrAnotherMessage(message: GuestMessage) {
        let frame = message.frame
        for length in 0..<frame.payload.count {
            let cut = Frame(type: frame.type, channel: frame.channel, payload: Array(frame.payload[..<length]))
            // Session output carries any bytes; everything else must notice.
            if case .sessionOutput = message { continue }
            #expect(throws: ProtocolError.self) { try GuestMessage(cut) }
        }
    }

    @Test(arguments: guestMessages) func bytesAfterTheLastFieldAreRefused(message: GuestMessage) {
        if case .sessionOutput = message { return }
        if case .ready = message { return }
        var frame = message.frame
        frame.payload.append(0)
        #expect(throws: ProtocolError.self) { try GuestMessage(frame) }
    }

    @Test func randomFramesNeverCrashTheDecoders() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...64, using: &generator)
            let payload = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let frame = Frame(type: UInt16.random(in: 0...112, using: &generator), channel: 1, payload: payload)
            _ = try? GuestMessage(frame)
            _ = try? HostMessage(frame)
        }
    }

    @Test func aListThatClaimsBillionsOfElementsIsRefusedAtOnce() {
        var writer = FieldWriter()
        writer.write("web")
        writer.write("/")
        writer.write(UInt32.max)
        #expect(throws: ProtocolError.self) { try PodConfiguration.App(decoding: writer.bytes) }
    }
}
