// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import DomainKeeper
import Hypervisor
import LinuxPlatform
import SystemPackage
import Testing

/// The supervisor reads what the program says as it reads a control channel of QEMU.
struct KeeperChannelTests {
    private let keeper: KeeperChannel
    private let theirs: FileDescriptor
    private let ours: FileDescriptor

    init() throws {
        (ours, theirs) = try UnixSocket.pair()
        try UnixSocket.setNonBlocking(ours)
        keeper = KeeperChannel(theirs)
    }

    private func close() { for end in [ours, theirs] { try? end.close() } }

    @Test func `the beginning, events and a failure are understood`() throws {
        defer { close() }
        keeper.sendStarted(hypervisor: 7_002_022, library: 9_000_001)
        keeper.sendEvent("SHUTDOWN", details: #"{"guest":true,"reason":"guest-reset"}"#)
        keeper.sendEvent("POWERDOWN", details: nil)
        keeper.sendFailure("no \"reason\"\nat all")
        let messages = try QMPChannel(ours).receive()
        #expect(
            messages == [
                .greeting(version: "7.2.22 (libvirt 9.0.1)"),
                .event(name: "SHUTDOWN", data: ["guest": true, "reason": "guest-reset"]),
                .event(name: "POWERDOWN", data: .null), .failed("no \"reason\"\nat all"),
            ])
    }

    @Test(arguments: [String(repeating: "x", count: 100_000), "{\"a\":", "no JSON"])
    func `details without sense are left out`(details: String) throws {
        defer { close() }
        keeper.sendEvent("STOP", details: details)
        #expect(try QMPChannel(ours).receive() == [.event(name: "STOP", data: .null)])
    }

    @Test func `commands are carried out one by one`() throws {
        defer { close() }
        #expect(keeper.receive() == [])
        let supervisor = QMPChannel(ours)
        try supervisor.send(command: "system_powerdown")
        try supervisor.send(command: "system_powerdown")
        #expect(keeper.receive() == [.powerButton, .powerButton])
        try ours.writeAll(Array("what?\n".utf8))
        #expect(keeper.receive() == [.end])
    }

    @Test func `without a supervisor there is no domain`() throws {
        try ours.close()
        #expect(keeper.receive() == [.end])
        // What nobody reads is not waited for.
        keeper.sendEvent("STOP", details: nil)
        try theirs.close()
    }

    @Test func `a supervisor that does not read is not waited for`() throws {
        defer { close() }
        for _ in 0..<10_000 { keeper.sendEvent("STOP", details: #"{"a":"\#(String(repeating: "b", count: 1000))"}"#) }
        #expect(try !QMPChannel(ours).receive().isEmpty)
    }

    @Test(
        arguments: [
            (#"{"guest":true,"reason":"guest-shutdown"}"#, true), (#"{"guest":false,"reason":"host-signal"}"#, false),
            (nil, false), ("[]", false),
        ] as [(String?, Bool)])
    func `who has ended a guest is told by the details`(details: String?, expected: Bool) {
        #expect(KeeperChannel.isOfGuest(details) == expected)
    }
}
