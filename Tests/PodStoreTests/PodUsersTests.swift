// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage
import Testing

/// The same numbers in the same order from the same seed (splitmix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

/// Always the same number.
private struct StuckGenerator: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}

struct PodUsersTests {
    // MARK: - The choice

    @Test func aRangeIsAlignedAndAmongThoseForContainers() throws {
        var generator = SeededGenerator(state: 1)
        for _ in 0..<1000 {
            let range = try UserRangeChoice(taken: []).choose(using: &generator)
            #expect(range.first % 65536 == 0 && range.count == 65536)
            #expect(range.first >= 524_288 && range.ids.upperBound <= 0x7000_0000)
        }
    }

    @Test func theSameSeedChoosesTheSame() throws {
        func choices() throws -> [UserRange] {
            var generator = SeededGenerator(state: 7)
            return try (0..<20).map { _ in try UserRangeChoice(taken: []).choose(using: &generator) }
        }
        #expect(try choices() == choices())
        #expect(try Set(choices()).count > 10)
    }

    @Test func noRangeOverlapsWhatIsTaken() throws {
        var generator = SeededGenerator(state: 3)
        // Of each of most ranges one id is somebody's.
        let taken = (8..<28_000).map { (index: UInt32) -> Range<UInt32> in
            let id = index * 65536 + 17
            return id..<id + 1
        }
        for _ in 0..<100 {
            let range = try UserRangeChoice(taken: taken.shuffled(using: &generator)).choose(using: &generator)
            #expect(!taken.contains { $0.overlaps(range.ids) })
        }
    }

    @Test func theOnlyRangeThatIsLeftIsFound() throws {
        let free = UserRange(first: 20_000 * 65536)
        let first = try #require(free).ids
        var generator = StuckGenerator()
        let choice = UserRangeChoice(taken: [0..<first.lowerBound, first.upperBound..<UInt32.max])
        #expect(try choice.choose(using: &generator) == free)
    }

    @Test func whenAllAreTakenThereIsNone() {
        let taken = (0..<UserRangeChoice.rangeCount).map { (index: Int) -> Range<UInt32> in
            let last = UInt32(0x8_0000) + UInt32(index) * 65536 + 65535
            return last..<last + 1
        }
        let error = #expect(throws: RuntimeError.self) {
            var generator = SeededGenerator(state: 5)
            return try UserRangeChoice(taken: taken).choose(using: &generator)
        }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("--private-users") == true)
    }

    // MARK: - What the host has given away

    @Test func idsOfAccountsAndDelegationsAreTaken() {
        #expect(
            HostUsers.accountIDs(in: "root:x:0:0:root:/root:/bin/sh\n# x:y:7\nbroken\nbig:x:1600000000:1::/:\n") == [
                0..<1, 1_600_000_000..<1_600_000_001,
            ])
        #expect(
            HostUsers.delegatedIDs(in: "me:100000:65536\n1000:4294967000:65536\nx:1\nme:5:0\n") == [
                100_000..<165_536, 4_294_967_000..<UInt32.max,
            ])
    }

    @Test(arguments: [
        "", "1", "0:65536", "65536:0", "-1:5", "+1:5", "1:2:3", "4294967295:1", "4294901760:65536", "a:b",
    ])
    func whatIsNoRangeIsRefused(text: String) {
        #expect(throws: RuntimeError.self) { try UserRange(parsing: text) }
    }

    @Test func idsAreTranslatedBothWays() throws {
        let range = try UserRange(parsing: "655360:65536")
        #expect(range.outside(0) == 655_360 && range.outside(65_535) == 720_895 && range.outside(65_536) == nil)
        #expect(range.inside(655_361) == 1 && range.inside(720_896) == nil && range.inside(0) == nil)
        #expect("\(range)" == "655360:65536")
    }

    // MARK: - Pods

    private func assign(_ store: PodStore, _ layout: PodLayout) throws -> UserRange {
        // Left to itself it would choose the same again and again.
        var generator = SeededGenerator(state: 11)
        return try store.assignUsers(to: layout, taken: [], using: &generator)
    }

    @Test func podsOfAllPhasesKeepTheirIdsUntilTheyAreRemoved() throws {
        let store = try ScratchStore()
        let first = try store.store.create()
        let range = try assign(store.store, first.layout)
        #expect(try first.layout.readUsers() == range)
        let uuid = first.uuid
        try first.run().release()
        let second = try store.store.create()
        let other = try assign(store.store, second.layout)
        #expect(!other.ids.overlaps(range.ids))
        try second.finishPreparing()
        let marked = try store.claim(store.pod(uuid, in: .exited)).mark()
        #expect(try Set(store.store.usersOfPods()) == [range, other])
        try marked.remove()
        #expect(try store.store.usersOfPods() == [other])
        let third = try store.store.create()
        #expect(try assign(store.store, third.layout) == range)
        third.release()
    }

    @Test func podsThatChooseAtOnceNeverShareIds() async throws {
        let scratch = try ScratchStore()
        let store = scratch.store
        try store.makeDirectories()
        let ranges = try await withThrowingTaskGroup(of: UserRange.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    let pod = try store.create()
                    var generator = SeededGenerator(state: 11)
                    let range = try store.assignUsers(to: pod.layout, taken: [], using: &generator)
                    pod.release()
                    return range
                }
            }
            return try await group.reduce(into: [UserRange]()) { $0.append($1) }
        }
        #expect(Set(ranges).count == 12)
    }

    @Test func aPodWithoutARecordHasTheHostsUsers() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        #expect(try pod.layout.readUsers() == nil)
        try FileSystem.write("everything\n".utf8, to: pod.layout.users)
        let error = #expect(throws: RuntimeError.self) { try pod.layout.readUsers() }
        #expect(error?.message.contains(pod.layout.users.string) == true)
    }
}
