// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import GRPCCore
import RktAPI
import Testing

struct EventHubTests {
    private let hub = EventHub()

    private func event(_ number: Int, _ type: V1alpha_EventType = .podStarted, at time: Int64 = 100) -> V1alpha_Event {
        var event = V1alpha_Event()
        event.type = type
        event.id = "\(number)"
        event.from = "app\(number)"
        event.time = time
        return event
    }

    private func selection(_ change: (inout V1alpha_EventFilter) -> Void = { _ in }) throws -> EventSelection {
        var filter = V1alpha_EventFilter()
        change(&filter)
        return try EventSelection(filter)
    }

    private func ids(_ subscription: EventHub.Subscription) async throws -> [String] {
        subscription.finish()
        var ids: [String] = []
        for try await event in subscription.events { ids.append(event.id) }
        return ids
    }

    @Test func whoListensHearsWhatComesInItsOrder() async throws {
        hub.publish([event(1)])
        let subscription = try hub.subscribe(selection())
        hub.publish([event(2), event(3)])
        hub.publish([event(4)])
        #expect(try await ids(subscription) == ["2", "3", "4"])
    }

    @Test func everyFieldOfTheFilterDecides() throws {
        let event = event(1, .appExited)
        #expect(try selection { $0.types = [.podStarted, .appExited] }.admits(event))
        #expect(try !selection { $0.types = [.podStarted] }.admits(event))
        #expect(try selection { $0.ids = ["1"] }.admits(event))
        #expect(try !selection { $0.ids = ["2"] }.admits(event))
        #expect(try selection { $0.names = ["app1"] }.admits(event))
        #expect(try !selection { $0.names = ["app"] }.admits(event))
        #expect(try selection { $0.sinceTime = 100 }.admits(event))
        #expect(try !selection { $0.sinceTime = 101 }.admits(event))
        #expect(try selection { $0.untilTime = 100 }.admits(event))
        #expect(try !selection { $0.untilTime = 99 }.admits(event))
    }

    @Test func whatCannotBeIsRefused() throws {
        let flaws: [(inout V1alpha_EventFilter) -> Void] = [
            { $0.ids = [""] }, { $0.types = [.UNRECOGNIZED(77)] }, { $0.sinceTime = -1 },
            {
                $0.sinceTime = 3
                $0.untilTime = 2
            },
        ]
        for flaw in flaws {
            let error = #expect(throws: RPCError.self) { try selection(flaw) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func rememberedEventsAreToldToWhoAsks() async throws {
        hub.publish([event(1, at: 5), event(2, at: 9)])
        let subscription = try hub.subscribe(selection { $0.sinceTime = 6 })
        hub.publish([event(3, at: 10)])
        #expect(try await ids(subscription) == ["2", "3"])
    }

    @Test func onlyTheLastAreRemembered() async throws {
        hub.publish((0..<EventHub.memory + 10).map { event($0) })
        let found = try await ids(hub.subscribe(selection { $0.sinceTime = 1 }))
        #expect(found.count == EventHub.memory)
        #expect(found.first == "10")
    }

    @Test func whoDoesNotReadLosesTheStreamAndOthersDoNot() async throws {
        let slow = try hub.subscribe(selection())
        let other = try hub.subscribe(selection { $0.ids = ["7", "1030"] })
        hub.publish((0..<EventHub.queue + 10).map { event($0) })
        var count = 0
        let error = await #expect(throws: RPCError.self) {
            for try await _ in slow.events { count += 1 }
        }
        #expect(count == EventHub.queue)
        #expect(error?.code == .resourceExhausted)
        #expect(try await ids(other) == ["7", "1030"])
    }

    @Test func placesAreFreeAgainWhenSubscriptionsGo() throws {
        var held: [EventHub.Subscription] = []
        for _ in 0..<EventHub.listeners { held.append(try hub.subscribe(selection())) }
        let error = #expect(throws: RPCError.self) { try hub.subscribe(selection()) }
        #expect(error?.code == .resourceExhausted)
        held.removeLast()
        _ = try hub.subscribe(selection())
    }

    @Test func whoHasLostEventsKeepsAPlaceUntilItGoes() throws {
        var held: [EventHub.Subscription] = []
        for number in 0..<EventHub.listeners {
            held.append(try hub.subscribe(number == 0 ? selection() : selection { $0.ids = ["7"] }))
        }
        hub.publish((0..<EventHub.queue + 10).map { event($0) })
        #expect(throws: RPCError.self) { try hub.subscribe(selection()) }
        held.removeFirst()
        _ = try hub.subscribe(selection())
    }

    @Test func theEndOfTheServiceEndsStreams() async throws {
        let subscription = try hub.subscribe(selection())
        hub.close()
        let error = await #expect(throws: RPCError.self) { for try await _ in subscription.events {} }
        #expect(error?.code == .unavailable)
        #expect(throws: RPCError.self) { try hub.subscribe(selection()) }
    }
}
