// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GRPCCore
import RktAPI
import Synchronization

/// Which events a client wants.
package struct EventSelection: Sendable {
    package let filter: V1alpha_EventFilter

    /// - Throws: INVALID_ARGUMENT for what no event could be, RESOURCE_EXHAUSTED for too many values.
    package init(_ filter: V1alpha_EventFilter) throws {
        try FilterLimit.check(filter.types.count + filter.ids.count + filter.names.count)
        if filter.ids.contains("") { throw RPCError.invalid("an empty ID in the filter") }
        if filter.types.contains(where: { EventSelection.isUnknown($0) }) {
            throw RPCError.invalid("a type of event in the filter that there is not")
        }
        if filter.sinceTime < 0 || filter.untilTime < 0 {
            throw RPCError.invalid("a time in the filter that is negative")
        }
        if filter.untilTime > 0, filter.sinceTime > filter.untilTime {
            throw RPCError.invalid("since_time is after until_time")
        }
        self.filter = filter
    }

    private static func isUnknown(_ type: V1alpha_EventType) -> Bool {
        switch type {
        case .undefined, .UNRECOGNIZED: true
        default: false
        }
    }

    package func admits(_ event: V1alpha_Event) -> Bool {
        (filter.types.isEmpty || filter.types.contains(event.type))
            && (filter.ids.isEmpty || filter.ids.contains(event.id))
            && (filter.names.isEmpty || filter.names.contains(event.from))
            && event.time >= filter.sinceTime
            && (filter.untilTime == 0 || event.time <= filter.untilTime)
    }
}

/// Passes events on to those who listen, and remembers the last ones.
package final class EventHub: Sendable {
    package typealias Stream = AsyncThrowingStream<V1alpha_Event, any Error>

    /// How many events are remembered.
    package static let memory = 4096
    /// How many events wait for one client.
    package static let queue = 1024
    /// How many clients listen.
    package static let listeners = 64

    private struct State {
        var recent: [V1alpha_Event] = []
        /// One without a continuation hears no more, and counts as long as what waits for it is kept.
        var listeners: [Int: (selection: EventSelection, continuation: Stream.Continuation?)] = [:]
        var next = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    /// A client that listens, until this goes.
    package final class Subscription: Sendable {
        package let events: Stream
        private let continuation: Stream.Continuation
        private let hub: EventHub
        private let number: Int

        fileprivate init(_ events: Stream, _ continuation: Stream.Continuation, _ hub: EventHub, _ number: Int) {
            self.events = events
            self.continuation = continuation
            self.hub = hub
            self.number = number
        }

        deinit { hub.forget(number) }

        /// Ends the stream when what waits has been taken.
        package func finish() { continuation.finish() }
    }

    /// Listens from now on, after those remembered events that are asked for.
    ///
    /// - Throws: RESOURCE_EXHAUSTED when too many listen, UNAVAILABLE when the service ends.
    package func subscribe(_ selection: EventSelection) throws -> Subscription {
        try state.withLock { state in
            if state.isClosed { throw Shutdown.error }
            guard state.listeners.count < EventHub.listeners else {
                throw RPCError(
                    code: .resourceExhausted, message: "\(EventHub.listeners) clients listen already; try again later")
            }
            // The remembered ones come beside the queue, so that they cannot fill it.
            let old = selection.filter.sinceTime > 0 ? state.recent.filter(selection.admits) : []
            let (events, continuation) = Stream.makeStream(
                bufferingPolicy: .bufferingOldest(EventHub.queue + old.count))
            for event in old { continuation.yield(event) }
            let number = state.next
            state.next += 1
            state.listeners[number] = (selection, continuation)
            return Subscription(events, continuation, self, number)
        }
    }

    /// Tells all who listen. Who has not taken enough of what came before hears no more, and an error.
    package func publish(_ events: [V1alpha_Event]) {
        state.withLock { state in
            state.recent += events
            if state.recent.count > EventHub.memory { state.recent.removeFirst(state.recent.count - EventHub.memory) }
            for (number, listener) in state.listeners {
                guard let continuation = listener.continuation else { continue }
                for event in events where listener.selection.admits(event) {
                    guard case .dropped = continuation.yield(event) else { continue }
                    continuation.finish(
                        throwing: RPCError(
                            code: .resourceExhausted,
                            message: "events were lost; list pods and images, and listen again"))
                    state.listeners[number]?.continuation = nil
                    break
                }
            }
        }
    }

    /// Ends all streams.
    package func close() {
        let listeners = state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [:] }
            return state.listeners.values.compactMap(\.continuation)
        }
        for listener in listeners { listener.finish(throwing: Shutdown.error) }
    }

    private func forget(_ number: Int) { state.withLock { _ = $0.listeners.removeValue(forKey: number) } }
}

/// Whether the service is ending.
package final class Shutdown: Sendable {
    private let flag = Mutex(false)

    package init() {}

    package var hasBegun: Bool { flag.withLock { $0 } }
    package func begin() { flag.withLock { $0 = true } }

    /// What streams end with.
    static var error: RPCError { RPCError(code: .unavailable, message: "the service is ending; try again") }
}
