// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import PodStore
import Stage0
import Testing

struct GarbagePolicyTests {
    private let hour: Int64 = 3600 * 1_000_000_000

    @Test func whatHasEndedIsMarked() {
        let policy = GarbagePolicy()
        let marked = PodState.allCases.filter { policy.marks($0, changedAt: 0, now: 1) }
        #expect(marked == [.abortedPrepare, .exited])
    }

    @Test func preparedPodsExpire() {
        var policy = GarbagePolicy()
        #expect(!policy.marks(.prepared, changedAt: 0, now: 23 * hour))
        #expect(policy.marks(.prepared, changedAt: 0, now: 24 * hour))
        policy.expirePrepared = 0
        #expect(policy.marks(.prepared, changedAt: 5, now: 5))
    }

    @Test func anEmbryoIsOnlyMarkedWhenItsMakerMustBeGone() {
        let policy = GarbagePolicy()
        #expect(!policy.marks(.embryo, changedAt: 0, now: 1_000_000_000))
        #expect(policy.marks(.embryo, changedAt: 0, now: hour))
    }

    @Test func markedPodsDwellForTheGracePeriod() {
        var policy = GarbagePolicy()
        #expect(!policy.sweeps(.exitedGarbage, changedAt: 0, now: hour / 2 - 1))
        #expect(policy.sweeps(.exitedGarbage, changedAt: 0, now: hour / 2))
        policy.gracePeriod = 0
        #expect(policy.sweeps(.exitedGarbage, changedAt: 5, now: 5))
        policy.markOnly = true
        #expect(!policy.sweeps(.exitedGarbage, changedAt: 0, now: hour))
    }

    @Test func onlyMarkedPodsAreSwept() {
        var policy = GarbagePolicy()
        policy.gracePeriod = 0
        let swept = PodState.allCases.filter { policy.sweeps($0, changedAt: 0, now: hour) }
        #expect(swept == [.exitedGarbage, .garbage])
    }
}
