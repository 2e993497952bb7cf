// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Guest
import GuestProtocol
import Testing

struct AgentRequestTests {
    @Test(arguments: [
        AgentRequest.ready, .ended(app: "web", status: 42, cause: .outOfMemory), .reap(app: "web"),
        .streams(app: "web"), .stopping, .started(app: "web"),
    ]) func linesReadBack(request: AgentRequest) {
        #expect(AgentRequest(line: String(request.line.dropLast())) == request)
    }

    @Test(arguments: [
        "", "ready now", "ended web", "ended web 1", "ended web x exited", "ended web 1 tired", "reap", "reboot",
        "stopping now",
    ]) func otherLinesAreRefused(
        line: String
    ) {
        #expect(AgentRequest(line: line) == nil)
    }
}
