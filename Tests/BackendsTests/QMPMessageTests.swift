// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Backends
import Diagnostics
import Hypervisor
import Testing

struct QMPMessageTests {
    @Test func `the greeting tells the version`() throws {
        let version = #"{"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1"}"#
        let line = #"{"QMP": {"version": \#(version), "capabilities": ["oob"]}}"#
        #expect(try QMPMessage(parsing: line.utf8) == .greeting(version: "7.2.22 (Debian 1)"))
    }

    @Test func `replies`() throws {
        #expect(try QMPMessage(parsing: #"{"return": {}}"#.utf8) == .returned)
        let line = #"{"error": {"class": "GenericError", "desc": "Resetting the Virtual Machine is required"}}"#
        #expect(try QMPMessage(parsing: line.utf8) == .failed("Resetting the Virtual Machine is required"))
    }

    @Test(arguments: ["", "{", "[]", "{}", "null", #"{"event": 1}"#])
    func `anything else is refused`(line: String) {
        #expect(throws: RuntimeError.self) { try QMPMessage(parsing: line.utf8) }
    }

    @Test(
        arguments: [
            (#"{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}"#, .guestShutdown),
            (#"{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}"#, .guestReset),
            (#"{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-panic"}}"#, nil),
            (
                #"{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-qmp-quit"}}"#,
                .hostShutdown(reason: "host-qmp-quit")
            ),
            (#"{"event": "SHUTDOWN"}"#, .hostShutdown(reason: "unknown")),
            (#"{"event": "GUEST_PANICKED", "data": {"action": "poweroff"}}"#, .guestPanicked(nil)),
            (#"{"event": "GUEST_PANICKED", "data": {"info": {"type": "hyper-v"}}}"#, .guestPanicked("hyper-v")),
            (#"{"event": "STOP"}"#, .stopped),
            (#"{"event": "RESUME"}"#, .resumed),
            (#"{"event": "BLOCK_IO_ERROR", "data": {"device": "", "node-name": "root"}}"#, .diskError(device: "root")),
            (#"{"event": "NIC_RX_FILTER_CHANGED", "data": {}}"#, nil),
        ] as [(String, MachineEvent?)])
    func `events become what a supervisor needs to know`(line: String, expected: MachineEvent?) throws {
        guard case .event(let name, let data) = try QMPMessage(parsing: line.utf8) else {
            Issue.record("not an event")
            return
        }
        #expect(MachineEvent(qmp: name, data: data) == expected)
    }
}
