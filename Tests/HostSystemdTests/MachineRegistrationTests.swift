// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HostSystemd
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
