// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import PodStore
import Testing

struct PodStateTests {
    @Test(arguments: [
        (PodPhase.embryo, "embryo", "embryo"), (.prepare, "preparing", "aborted prepare"),
        (.prepared, "prepared", "prepared"), (.run, "running", "exited"),
        (.exitedGarbage, "deleting", "exited garbage"), (.garbage, "deleting", "garbage"),
    ])
    func phaseAndLockTellTheState(phase: PodPhase, locked: String, unlocked: String) {
        #expect(phase.state(isLocked: true).description == locked)
        #expect(phase.state(isLocked: false).description == unlocked)
    }

    @Test func phasesAreNamedAsTheirDirectories() {
        #expect(
            PodPhase.allCases.map(\.rawValue) == ["embryo", "prepare", "prepared", "run", "exited-garbage", "garbage"])
    }
}
