// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Stage1
import Testing

struct PodOutcomeTests {
    @Test(
        arguments: [
            (PodOutcome(), 0), (PodOutcome(firstFailure: 42), 42), (PodOutcome(unfinished: ["web"]), 254),
            (PodOutcome(unfinished: ["web"], wasStoppedEarly: true), 0),
            (PodOutcome(firstFailure: 7, unfinished: ["web"]), 7),
            (PodOutcome(failure: .hypervisorDied(.signalled(9)), firstFailure: 7), 250),
            (PodOutcome(failure: .guestPanicked), 251), (PodOutcome(failure: .guestReset), 251),
            (PodOutcome(failure: .bootTimedOut), 252), (PodOutcome(failure: .setUpFailed("x")), 254),
            (PodOutcome(failure: .escaped, unfinished: ["web"]), 0), (PodOutcome(failure: .killed), 137),
        ] as [(PodOutcome, Int32)]) func statusFollowsFromWhatEndedThePod(outcome: PodOutcome, status: Int32)
    {
        #expect(outcome.status == status)
    }

    @Test func anEndThatTheAppsExplainIsSilent() {
        #expect(PodOutcome(firstFailure: 42).message == nil)
        #expect(PodOutcome(failure: .escaped).message == nil)
        #expect(PodOutcome(unfinished: ["web", "db"]).message?.contains("web, db") == true)
    }
}
