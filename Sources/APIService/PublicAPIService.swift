// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import GRPCCore
import LinuxPlatform
import RktAPI
import Synchronization

/// `v1alpha.PublicAPI`
package struct PublicAPIService: V1alpha_PublicAPI.ServiceProtocol {
    package static let version = "1.0.0-alpha"
    /// How many clients may read logs.
    package static let logReaders = 64

    private let source: PodSource
    private let hub: EventHub
    private let shutdown: Shutdown
    private let workers: FileWorkers
    private let flags: V1alpha_GlobalFlags
    private let logReaders = Places(PublicAPIService.logReaders)

    /// - Parameter flags: what `GetInfo` says of the program's arguments.
    package init(
        _ source: PodSource, _ hub: EventHub, _ shutdown: Shutdown, workers: FileWorkers, flags: V1alpha_GlobalFlags
    ) {
        self.source = source
        self.hub = hub
        self.shutdown = shutdown
        self.workers = workers
        self.flags = flags
    }

    package func getInfo(
        request: ServerRequest<V1alpha_GetInfoRequest>, context: ServerContext
    ) async throws -> ServerResponse<V1alpha_GetInfoResponse> {
        var response = V1alpha_GetInfoResponse()
        response.info.rktVersion = Version.current
        response.info.appcVersion = Version.appContainer
        response.info.apiVersion = PublicAPIService.version
        response.info.globalFlags = flags
        return ServerResponse(message: response)
    }

    // MARK: - Pods

    package func listPods(
        request: ServerRequest<V1alpha_ListPodsRequest>, context: ServerContext
    ) async throws -> ServerResponse<V1alpha_ListPodsResponse> {
        let message = request.message
        try message.filters.check()
        var response = V1alpha_ListPodsResponse()
        response.pods = try await run(context) { [source] in
            try source.pods(message.filters, detail: message.detail)
        }
        return ServerResponse(message: response)
    }

    package func inspectPod(
        request: ServerRequest<V1alpha_InspectPodRequest>, context: ServerContext
    ) async throws -> ServerResponse<V1alpha_InspectPodResponse> {
        let id = request.message.id
        guard !id.isEmpty else { throw RPCError.invalid("UUID cannot be empty") }
        var response = V1alpha_InspectPodResponse()
        response.pod = try await run(context, ambiguous: true) { [source] in try source.pod(id) }
        return ServerResponse(message: response)
    }

    // MARK: - Images

    package func listImages(
        request: ServerRequest<V1alpha_ListImagesRequest>, context: ServerContext
    ) async throws -> ServerResponse<V1alpha_ListImagesResponse> {
        let message = request.message
        try message.filters.check()
        var response = V1alpha_ListImagesResponse()
        response.images = try await run(context) { [source] in
            try source.images(message.filters, detail: message.detail)
        }
        return ServerResponse(message: response)
    }

    package func inspectImage(
        request: ServerRequest<V1alpha_InspectImageRequest>, context: ServerContext
    ) async throws -> ServerResponse<V1alpha_InspectImageResponse> {
        let id = request.message.id
        let digits = id.lowercased().utf8.dropFirst("sha512-".utf8.count)
        guard id.lowercased().hasPrefix("sha512-"), digits.count >= 2,
            digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else {
            throw RPCError.invalid("\"\(id)\" is not an image ID: expected sha512- and at least two hexadecimal digits")
        }
        var response = V1alpha_InspectImageResponse()
        response.image = try await run(context, ambiguous: true) { [source] in try source.image(id) }
        return ServerResponse(message: response)
    }

    // MARK: - Streams

    package func listenEvents(
        request: ServerRequest<V1alpha_ListenEventsRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<V1alpha_ListenEventsResponse> {
        let selection = try EventSelection(request.message.filter)
        // Before the headers go out: whoever has them hears everything from then on.
        let subscription = try hub.subscribe(selection)
        return StreamingServerResponse { writer in
            let until = selection.filter.untilTime
            let timer = Task {
                guard until > 0 else { return }
                while let left = PublicAPIService.secondsUntilAfter(until) { try await Task.sleep(for: .seconds(left)) }
                subscription.finish()
            }
            defer { timer.cancel() }
            try await withRPCCancellationHandler {
                for try await event in subscription.events {
                    var response = V1alpha_ListenEventsResponse()
                    response.events = [event]
                    try await writer.write(response)
                }
            } onCancelRPC: {
                subscription.finish()
            }
            return [:]
        }
    }

    package func getLogs(
        request: ServerRequest<V1alpha_GetLogsRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<V1alpha_GetLogsResponse> {
        let selection = try LogSelection(request.message)
        guard let place = logReaders.take() else {
            throw RPCError(
                code: .resourceExhausted,
                message: "\(PublicAPIService.logReaders) clients read logs already; try again later")
        }
        let id = request.message.podID
        let pod = try await run(context, ambiguous: true) { [source] in try source.find(id) }
        let reader = try await run(context) { [source] in try LogReader(source.runtime, pod, selection) }
        return StreamingServerResponse { [shutdown] writer in
            defer { withExtendedLifetime(place) {} }
            var pause = 1
            while true {
                if shutdown.hasBegun { throw Shutdown.error }
                switch try await run(context, { try reader.next() }) {
                case .ended: return [:]
                case .waiting:
                    try await Task.sleep(for: .milliseconds(pause))
                    pause = min(pause * 2, 100)
                case .lines(let lines):
                    pause = 1
                    guard !lines.isEmpty else { continue }
                    var response = V1alpha_GetLogsResponse()
                    response.lines = lines
                    try await writer.write(response)
                }
            }
        }
    }

    /// Reads files for a call. Calls are cancelled when their client leaves, and when the service ends, which leaves them time.
    private func run<Value: Sendable>(
        _ context: ServerContext, ambiguous: Bool = false, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await workers.run(
            unless: { [shutdown] in context.cancellation.isCancelled && !shutdown.hasBegun }, ambiguous: ambiguous,
            body)
    }

    /// Seconds to wait until a second is over; nil when it is.
    private static func secondsUntilAfter(_ time: Int64) -> Double? {
        let left = Double(time) + 1 - Double(LinuxPlatform.Clock.wallNanoseconds) / 1e9
        return left > 0 ? min(left, 3600) : nil
    }
}

/// So many may do something at a time.
final class Places: Sendable {
    /// Taken until it goes.
    final class Place: Sendable {
        private let places: Places
        fileprivate init(_ places: Places) { self.places = places }
        deinit { places.taken.withLock { $0 -= 1 } }
    }

    private let taken = Mutex(0)
    private let count: Int

    init(_ count: Int) { self.count = count }

    /// - Returns: nil when all are taken.
    func take() -> Place? {
        let isTaken = taken.withLock { taken in
            guard taken < count else { return false }
            taken += 1
            return true
        }
        return isTaken ? Place(self) : nil
    }
}
