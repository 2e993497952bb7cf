// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HostSystemd
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct MachineRegistrationTests {
    private let uuid = "00112233-4455-6677-8899-aabbccddeeff"

    @Test func `a machine is named by its arguments`() throws {
        let request = try MachineRegistration(parsing: ["register", "rkt-\(uuid)", uuid, "vm", "4711", ""])
        let id = (0..<16).map { UInt8($0 * 0x11) }
        #expect(
            request == .register(.init(name: "rkt-\(uuid)", id: id, kind: "vm", leader: 4711, root: "")))
        #expect(try MachineRegistration(parsing: ["unregister", "a"]) == .unregister(name: "a"))
    }

    private static let absent = "org.freedesktop.machine1.NoSuchMachine"

    private var registration: [String] { ["register", "rkt-\(uuid)", uuid, "container", "4711", "/root of it"] }

    @Test(.requires("dbus-daemon")) func `machined is told of a machine and of its end`() async throws {
        let machined = try await FakeMachined()
        try machined.serve()
        let begin = try await machined.run(registration)
        #expect(begin.status == 0 && begin.error == "")
        let end = try await machined.run(["unregister", "rkt-\(uuid)"])
        #expect(end.status == 0 && end.error == "")
        let digits = uuid.filter { $0 != "-" }
        #expect(
            machined.calls == [
                ["RegisterMachine", "sayssus", "rkt-\(uuid)", digits, "rkt", "container", "4711", "/root of it"],
                ["UnregisterMachine", "s", "rkt-\(uuid)"],
            ])
    }

    @Test(.requires("dbus-daemon")) func `what machined refuses is a line of warning`() async throws {
        let machined = try await FakeMachined()
        try machined.serve()
        let answer = (name: "org.freedesktop.machine1.MachineExists", text: "There is one\nalready\u{1b}[2J")
        let refused = try await machined.run(registration, answer: answer)
        #expect(refused.status == 1)
        #expect(
            refused.error.hasPrefix("stage1: warning: systemd-machined does not list the pod as it is: There is one"))
        #expect(refused.error.filter { $0 == "\n" || $0 == "\u{1b}" } == "\n")
        let gone = try await machined.run(["unregister", "a"], answer: (name: Self.absent, text: "no such machine"))
        #expect(gone.status == 0 && gone.error == "")
    }

    @Test(.requires("dbus-daemon")) func `a host without machined, or without a bus, is no failure`() async throws {
        let bus = try await FakeMachined()
        let unanswered = try await bus.run(registration)
        #expect(unanswered.status == 0 && unanswered.error == "")
        let scratch = try ScratchDirectory()
        let program = try HostProcess(
            BuildProducts.machineRegistration, registration,
            environment: ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=\(scratch.appending("nothing"))"],
            log: scratch.appending("program"))
        let alone = try await program.end()
        #expect(alone.status == 0 && alone.error == "")
    }

    @Test(
        arguments: [
            [], ["register"], ["unregister"], ["unregister", "a", "b"],
            ["register", "a", "0011", "vm", "1", "/"],
            ["register", "a", "00112233445566778899aabbccddeefg", "vm", "1", "/"],
            ["register", "a", "00112233445566778899aabbccddeeff", "vm", "0", "/"],
            ["register", "a", "00112233445566778899aabbccddeeff", "vm", "-1", "/"],
        ] as [[String]])
    func `other arguments are refused`(arguments: [String]) {
        #expect(throws: RuntimeError.self) { try MachineRegistration(parsing: arguments) }
    }
}
