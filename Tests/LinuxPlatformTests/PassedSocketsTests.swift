// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import Testing

struct PassedSocketsTests {
    private func sockets(_ variables: [String: String]) throws -> PassedSockets {
        try PassedSockets(pid: 77) { variables[$0] }
    }

    @Test func socketsAreThoseForThisProgram() throws {
        #expect(try sockets(["LISTEN_PID": "77", "LISTEN_FDS": "2"]).descriptors == 3..<5)
        #expect(try sockets(["LISTEN_PID": "76", "LISTEN_FDS": "2"]).descriptors.isEmpty)
        #expect(try sockets(["LISTEN_FDS": "2"]).descriptors.isEmpty)
        #expect(try sockets([:]).descriptors.isEmpty)
    }

    @Test(arguments: ["x", "", "-1", "1025", "2147483647", "99999999999999999999"])
    func aNumberThatCannotBeIsRefused(text: String) {
        let error = #expect(throws: RuntimeError.self) { try sockets(["LISTEN_PID": "77", "LISTEN_FDS": text]) }
        #expect(error?.message.contains("LISTEN_FDS is \"\(text)\"") == true)
    }

    @Test func otherProgramsDoNotHearOfThem() {
        let environment = ["A=1", "LISTEN_PID=77", "LISTEN_FDS=1", "LISTEN_FDNAMES=x", "LISTEN_FDS_OF=mine"]
        #expect(PassedSockets.removeVariables(from: environment) == ["A=1", "LISTEN_FDS_OF=mine"])
    }
}
