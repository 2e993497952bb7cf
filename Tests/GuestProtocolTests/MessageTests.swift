// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Testing

struct MessageTests {
    static let guestMessages: [GuestMessage] = [
        .hello(version: 1, role: .shim), .hello(version: 1, role: .agent), .phase(name: "shim", microseconds: .max),
        .failed("no such share"), .ready,
        .entry(
            .init(
                realtime: 1 << 54, monotonic: 1, boot: Array(0..<16),
                fields: [Array("PRIORITY=6".utf8), Array("MESSAGE=".utf8) + [0, 255, 10]])),
        .appExit(app: "web", status: 42, cause: .exited), .sessionOutput(session: 9, stream: .error, [1, 2, 3]),
        .sessionOutput(session: 9, stream: .output, []), .sessionExit(session: 9, status: -1),
        .sessionStarted(session: 9),
        .sessionFailed(session: 9, "no"), .inputCredit(session: 9, bytes: 12),
        .sessionOutput(session: 9, stream: .terminal, [7]), .attached(session: 0, [.stdin, .terminalOutput]),
        .outputGap(session: 0, stream: .error, bytes: 1 << 40),
        .stopping, .pong(number: .max),
        .appExit(app: "web", run: 7, status: 143, cause: .stopped), .requestDone(request: 5),
        .requestFailed(request: 5, "no"), .appStarted(app: "web", run: 7),
    ]

    static let hostMessages: [HostMessage] = [
        .pod(sample), .stop, .exitRecorded(app: "web"),
        .startSession(
            session: 3,
            .init(
                target: .command(app: "web", arguments: ["a", ""]), terminal: true, rows: 1, columns: 2,
                terminalType: "x")),
        .startSession(session: 3, .init(target: .appStreams(app: "web"))),
        .attach(session: 0, AttachRequest(app: "web", targets: [.stdout, .stderr], rows: 50, columns: 132)),
        .attach(session: 0, AttachRequest(app: "")), .sessionInput(session: 3, [4]),
        .sessionEndOfInput(session: 3), .sessionResize(session: 3, rows: 50, columns: 132),
        .sessionSignal(session: 3, signal: 15), .closeSession(session: 3), .outputCredit(channel: 0, bytes: 1),
        .ping(number: 7),
        .exitRecorded(app: "web", run: 7), .appPart(request: 5, [1, 2]), .addApp(request: 5),
        .startApp(request: 5, app: "web", run: 7), .stopApp(request: 5, app: "web", run: 0),
        .removeApp(request: 5, app: "web"),
    ]

    static let sample = PodConfiguration(
        hostname: "h", machineID: "0123", debug: true, kernelSettings: [.init(path: "a/b", value: "1")],
        interfaces: [interface],
        shares: [.init(type: "9p", tag: "t", mountPoint: "/m", options: "o", readOnly: true)],
        files: [.init(path: "/run/a", content: .text("x\n")), .init(path: "/run/b", content: .link("a"))],
        sharedFiles: [.init(path: "/etc/hosts", contents: [0xff, 10], readOnly: true)],
        apps: [
            .init(
                name: "web", root: "/r", exec: ["a", "b c"], preStart: ["p"], postStop: [], workingDirectory: "/w",
                environment: ["A=1"], uid: 5, gid: 6, supplementaryGIDs: [7, 8], capabilityBoundingSet: 1 << 40,
                noNewPrivileges: true, readOnlyRoot: true, protectsKernelPaths: false, input: .stream,
                output: .terminal, error: .nothing)
        ], isMutable: true)

    static let interface = PodConfiguration.Interface(
        name: "eth0", hardwareAddress: [2, 0, 0, 0, 0, 1], mtu: 1400,
        addresses: [
            .init(address: [10, 0, 0, 2], prefixLength: 24, broadcast: [10, 0, 0, 255]),
            .init(address: [0xfd] + [UInt8](repeating: 0, count: 15), prefixLength: 64),
        ],
        routes: [
            .init(
                destination: [0, 0, 0, 0], prefixLength: 0, gateway: [10, 0, 0, 1], source: [10, 0, 0, 2], metric: 5,
                mtu: 1300, isOnLink: true)
        ])

    @Test(arguments: guestMessages) func guestMessagesSurviveTheWire(message: GuestMessage) throws {
        #expect(try GuestMessage(message.frame) == message)
    }

    @Test func anAppThatSaysWhenItIsReadyIsToldApart() throws {
        var app = MessageTests.sample.apps[0]
        #expect(try !PodConfiguration.App(decoding: app.encoded).supportsNotify)
        app.supportsNotify = true
        #expect(try PodConfiguration.App(decoding: app.encoded) == app)
    }

    @Test func anAppWhoseErrorsAreMarkedIsToldApart() throws {
        var app = MessageTests.sample.apps[0]
        app.marksErrors = true
        #expect(try PodConfiguration.App(decoding: app.encoded) == app)
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
            let frame = Frame(type: UInt16.random(in: 0...130, using: &generator), channel: 1, payload: payload)
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

struct JournalEntryTests {
    private func entry(_ fields: [String]) -> JournalEntry {
        JournalEntry(realtime: 1, monotonic: 2, boot: Array(0..<16), fields: fields.map { Array($0.utf8) })
    }

    @Test(
        arguments: [
            "lower=x", "=x", "no equals sign", "1A=x", "__CURSOR=x", "_MACHINE_ID=x", "_BOOT_ID=x", "A B=x", "A\n=x",
            String(repeating: "A", count: 65) + "=x",
        ])
    func aGuestCannotSendFieldsThatAreNotItsOwn(field: String) {
        #expect(throws: ProtocolError.self) { try GuestMessage(GuestMessage.entry(entry(["MESSAGE=x", field])).frame) }
        #expect(entry(["MESSAGE=x", field]).fitted() == entry(["MESSAGE=x"]))
    }

    @Test func anEntryHasABoundedNumberOfFieldsAndABootID() {
        var many = entry((0..<257).map { "A\($0)=x" })
        #expect(throws: ProtocolError.self) { try GuestMessage(GuestMessage.entry(many).frame) }
        #expect(many.fitted().fields.count == 256)
        many.fields = []
        many.boot = [1]
        #expect(throws: ProtocolError.self) { try GuestMessage(GuestMessage.entry(many).frame) }
    }

    @Test(
        arguments: [
            (["_SYSTEMD_UNIT=web.service", "SYSLOG_IDENTIFIER=other"], "web"), (["SYSLOG_IDENTIFIER=web"], "web"),
            (["_SYSTEMD_UNIT=web.slice"], nil), (["_SYSTEMD_UNIT=init.service", "SYSLOG_IDENTIFIER=web"], nil),
            ([], nil),
        ] as [([String], String?)])
    func anAppIsKnownByItsUnitOrElseByItsIdentifier(fields: [String], app: String?) {
        #expect(entry(fields).app(among: ["web", "other"]) == app)
    }

    @Test(arguments: [(0, 0), (1 << 55, 0), (1, 1 << 55), (.max, .max)] as [(UInt64, UInt64)])
    func timesAreThoseOfAClock(realtime: UInt64, monotonic: UInt64) {
        var wrong = entry(["MESSAGE=x"])
        (wrong.realtime, wrong.monotonic) = (realtime, monotonic)
        #expect(throws: ProtocolError.self) { try GuestMessage(GuestMessage.entry(wrong).frame) }
    }

    @Test func whatDoesNotFitIsCut() throws {
        let long = String(repeating: "ü", count: 50_000)
        let fitted = entry(["PRIORITY=3", "MESSAGE=\(long)", "OTHER=\(long)", "_PID=7"]).fitted()
        let frame = GuestMessage.entry(fitted).frame
        #expect(frame.payload.count <= Frame.payloadLimit)
        #expect(try GuestMessage(frame) == .entry(fitted))
        #expect(fitted.text(of: "_PID") == "7")
        #expect(fitted.value(of: "OTHER") == nil)
        let text = try #require(fitted.text(of: "MESSAGE"))
        #expect(text.utf8.count > 60_000)
        #expect(text.allSatisfy { $0 == "ü" })
    }
}
