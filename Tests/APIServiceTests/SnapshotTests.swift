// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import AppContainer
import PodStore
import RktAPI
import Testing

struct SnapshotTests {
    private let uuid = (try? PodUUID(parsing: SomePod.uuid)) ?? PodUUID()

    /// What a pod's looks tell, one after another: types and names.
    private func told(_ looks: [PodLook?]) -> [[String]] {
        var old = Snapshot()
        return looks.map { look in
            var now = Snapshot()
            now.pods[uuid] = look
            defer { old = now }
            return now.events(since: old, at: 7).map { "\($0.type)" + ($0.from.isEmpty ? "" : " \($0.from)") }
        }
    }

    private func app(_ name: String, _ started: Bool, _ exit: Int32? = nil) -> PodLook.App {
        PodLook.App(name: name, hasStarted: started, hasExited: exit != nil, exitStatus: exit)
    }

    @Test func aPodsLifeIsToldInItsOrder() {
        let apps = [app("a", true), app("b", true)]
        let over = [app("a", true, 0), app("b", true, 3)]
        let events = told([
            PodLook(state: .preparing), PodLook(state: .prepared), PodLook(state: .running),
            PodLook(state: .running, hasStarted: true, apps: [app("a", true), app("b", false)]),
            PodLook(state: .running, hasStarted: true, apps: apps),
            PodLook(state: .running, hasStarted: true, apps: [over[0], apps[1]]),
            PodLook(state: .exited, hasStarted: true, apps: over),
            PodLook(state: .exitedGarbage, hasStarted: true, apps: over), nil,
        ])
        #expect(
            events == [
                [], ["podPrepared"], [], ["podStarted", "appStarted a"], ["appStarted b"], ["appExited a"],
                ["appExited b", "podExited"], [], ["podGarbageCollected"],
            ])
    }

    @Test func anAppThatIsStartedAgainIsToldAgain() {
        let (up, down) = (app("a", true), app("a", true, 1))
        let looks = [up, down, app("a", false), up, down, up]
        let events = told(looks.map { PodLook(state: .running, hasStarted: true, apps: [$0]) })
        #expect(
            events.flatMap(\.self) == [
                "podStarted", "appStarted a", "appExited a", "appStarted a", "appExited a", "appStarted a",
            ])
    }

    @Test func aPodThatIsOverAtTheFirstLookIsToldWhole() {
        let events = told([PodLook(state: .exited, hasStarted: true, apps: [app("a", true, 0)])])
        #expect(events == [["podStarted", "appStarted a", "appExited a", "podExited"]])
    }

    @Test func aFailedPreparationIsTold() {
        #expect(
            told([PodLook(state: .preparing), PodLook(state: .abortedPrepare), PodLook(state: .garbage)])
                == [[], ["podPrepareAborted"], []])
    }

    @Test func theSameIsNotToldTwice() {
        let look = PodLook(state: .running, hasStarted: true, apps: [app("a", true)])
        #expect(told([look, look])[1] == [])
    }

    @Test func eventsHaveTheirData() throws {
        var now = Snapshot()
        now.pods[uuid] = PodLook(state: .running, hasStarted: true, apps: [app("a", true, 137)])
        let events = now.events(since: Snapshot(), at: 7)
        let exit = try #require(events.first { $0.type == .appExited })
        #expect(exit.data == [V1alpha_KeyValue("exit_code", "137")])
        #expect(events.allSatisfy { $0.id == SomePod.uuid && $0.time == 7 })
    }

    @Test func imagesComeAndGoAfterPods() {
        var old = Snapshot()
        old.images = ["sha512-1": "example.com/one"]
        var now = Snapshot()
        now.images = ["sha512-2": "example.com/two"]
        now.pods[uuid] = PodLook(state: .prepared)
        let events = now.events(since: old, at: 7)
        #expect(events.map(\.type) == [.podPrepared, .imageImported, .imageRemoved])
        #expect(events.map(\.id) == [SomePod.uuid, "sha512-2", "sha512-1"])
        #expect(events.map(\.from) == ["", "example.com/two", "example.com/one"])
    }
}
