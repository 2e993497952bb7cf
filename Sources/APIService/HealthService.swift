// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GRPCCore
import RktAPI
import Synchronization

/// Whether the service can answer, for those who ask and those who wait.
package final class HealthBoard: Sendable {
    package typealias Stream = AsyncThrowingStream<Bool, any Error>

    private struct State {
        var isServing = true
        var isClosed = false
        var watchers: [Int: Stream.Continuation] = [:]
        var next = 0
    }

    /// How many clients wait.
    package static let watchers = 64

    private let state = Mutex(State())

    package init() {}

    package var isServing: Bool { state.withLock { $0.isServing } }

    package func set(_ isServing: Bool) {
        state.withLock { state in
            guard state.isServing != isServing else { return }
            state.isServing = isServing
            for watcher in state.watchers.values { watcher.yield(isServing) }
        }
    }

    /// What holds now, and what comes: of what a client does not take in time, the last.
    package func watch() throws -> (stream: Stream, number: Int) {
        try state.withLock { state in
            if state.isClosed { throw Shutdown.error }
            guard state.watchers.count < HealthBoard.watchers else {
                throw RPCError(
                    code: .resourceExhausted, message: "\(HealthBoard.watchers) clients wait already; try again later")
            }
            let (stream, continuation) = Stream.makeStream(bufferingPolicy: .bufferingNewest(1))
            continuation.yield(state.isServing)
            state.next += 1
            state.watchers[state.next] = continuation
            return (stream, state.next)
        }
    }

    /// Ends a stream; one that has ended is fine.
    package func end(_ number: Int) { state.withLock { $0.watchers.removeValue(forKey: number) }?.finish() }

    /// Ends all streams.
    package func close() {
        let watchers = state.withLock { state in
            state.isClosed = true
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.finish(throwing: Shutdown.error) }
    }
}

/// `grpc.health.v1.Health`: of the server, and of `v1alpha.PublicAPI`.
package struct HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
    private static let known: Set<String> = ["", V1alpha_PublicAPI.descriptor.fullyQualifiedService]

    private let board: HealthBoard

    package init(_ board: HealthBoard) { self.board = board }

    package func check(
        request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext
    ) async throws -> Grpc_Health_V1_HealthCheckResponse {
        guard HealthService.known.contains(request.service) else {
            throw RPCError(code: .notFound, message: RPCError.bounded("there is no service \"\(request.service)\""))
        }
        return HealthService.response(board.isServing)
    }

    package func watch(
        request: Grpc_Health_V1_HealthCheckRequest, response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>,
        context: ServerContext
    ) async throws {
        let (stream, number) = try board.watch()
        defer { board.end(number) }
        let isKnown = HealthService.known.contains(request.service)
        try await withRPCCancellationHandler {
            if !isKnown {
                var unknown = Grpc_Health_V1_HealthCheckResponse()
                unknown.status = .serviceUnknown
                try await response.write(unknown)
            }
            for try await isServing in stream where isKnown {
                try await response.write(HealthService.response(isServing))
            }
        } onCancelRPC: {
            board.end(number)
        }
    }

    private static func response(_ isServing: Bool) -> Grpc_Health_V1_HealthCheckResponse {
        var response = Grpc_Health_V1_HealthCheckResponse()
        response.status = isServing ? .serving : .notServing
        return response
    }
}
