// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import AppContainer
import Diagnostics
import GRPCCore
import PodStore
import RktAPI
import Synchronization
import TestSupport
import Testing

/// The calls without a connection.
struct PublicAPIServiceTests {
    /// What a client would get.
    private final class Responses<Element: Sendable>: RPCWriterProtocol {
        private let list = Mutex<[Element]>([])
        var all: [Element] { list.withLock { $0 } }
        func write(_ element: Element) async throws { list.withLock { $0.append(element) } }
        func write(contentsOf elements: some Sequence<Element>) async throws {
            for element in elements { try await write(element) }
        }
    }

    private let fixture: DataFixture
    private let hub = EventHub()
    private let shutdown = Shutdown()
    private let service: PublicAPIService

    init() throws {
        fixture = try DataFixture()
        var flags = V1alpha_GlobalFlags()
        flags.dir = "/somewhere"
        service = PublicAPIService(fixture.source, hub, shutdown, workers: FileWorkers(count: 1), flags: flags)
    }

    private var context: ServerContext {
        ServerContext(
            descriptor: V1alpha_PublicAPI.Method.ListPods.descriptor, remotePeer: "test", localPeer: "test",
            cancellation: ServerContext.RPCCancellationHandle())
    }

    private func request<Message: Sendable>(_ message: Message) -> ServerRequest<Message> {
        ServerRequest(metadata: [:], message: message)
    }

    private func inspect(_ id: String) async throws -> V1alpha_Pod {
        var message = V1alpha_InspectPodRequest()
        message.id = id
        return try await service.inspectPod(request: request(message), context: context).message.pod
    }

    /// Why a call fails.
    private func code<Result>(_ body: () async throws -> Result) async -> RPCError.Code? {
        do {
            _ = try await body()
            return nil
        } catch {
            return (error as? RPCError)?.code
        }
    }

    /// Takes a whole stream.
    private func take<Message: Sendable>(
        _ response: StreamingServerResponse<Message>, into responses: Responses<Message>
    ) async throws {
        _ = try await response.accepted.get().producer(RPCWriter(wrapping: responses))
    }

    @Test func infoSaysWhatAnswers() async throws {
        let info = try await service.getInfo(request: request(V1alpha_GetInfoRequest()), context: context).message.info
        #expect(info.rktVersion == Version.current)
        #expect(info.appcVersion == "0.8.11")
        #expect(info.apiVersion == "1.0.0-alpha")
        #expect(info.globalFlags.dir == "/somewhere")
    }

    @Test func failuresHaveTheirCodes() async throws {
        for last in 1...2 {
            let uuid = try PodUUID(parsing: "abcdef00-0000-4000-8000-00000000000\(last)")
            try fixture.runtime.pods.create(uuid).finishPreparing()
        }
        #expect(try await inspect("abcdef00-0000-4000-8000-000000000001").state == .prepared)
        #expect(await code { try await inspect("abcdef") } == .failedPrecondition)
        #expect(await code { try await inspect("") } == .invalidArgument)
        #expect(await code { try await inspect("0123") } == .notFound)
        for (id, expected) in [
            ("sha512-", RPCError.Code.invalidArgument), ("sha512-0", .invalidArgument), ("web", .invalidArgument),
            ("sha512-00", .notFound),
        ] {
            var message = V1alpha_InspectImageRequest()
            message.id = id
            let found = await code { try await service.inspectImage(request: request(message), context: context) }
            #expect(found == expected, "\(id)")
        }
        var unknown = V1alpha_ListPodsRequest()
        unknown.filters = [V1alpha_PodFilter()]
        unknown.filters[0].states = [.UNRECOGNIZED(99)]
        let refused = await code { try await service.listPods(request: request(unknown), context: context) }
        #expect(refused == .invalidArgument)
        #expect(RPCError(Diagnostics.RuntimeError(.permissionDenied, "no")).code == .unavailable)
    }

    @Test func nothingIsReadForAClientThatHasLeft() async throws {
        let context = context
        context.cancellation.cancel()
        let found = await code {
            try await service.listPods(request: request(V1alpha_ListPodsRequest()), context: context)
        }
        #expect(found == .cancelled)
        // The end of the service cancels calls, too, and they have time to be answered.
        shutdown.begin()
        let last = await code {
            try await service.listPods(request: request(V1alpha_ListPodsRequest()), context: context)
        }
        #expect(last == nil)
    }

    /// A message is a header of the answer, and what is too long for one ends the connection.
    @Test func aMessageDoesNotRepeatARequestOfAnyLength() async throws {
        let id = String(repeating: "0", count: 100_000)
        let error = await #expect(throws: RPCError.self) { try await inspect(id) }
        #expect(error?.code == .notFound)
        #expect(error?.message.hasPrefix("problem retrieving pod: no matches found for \"000") == true)
        #expect((error?.message.utf8.count ?? .max) < 4096)
    }

    /// All of them are compared with all pods, images or events, while others wait.
    @Test func moreFiltersThanALookCanTakeAreRefused() async throws {
        var pods = V1alpha_ListPodsRequest()
        pods.filters = .init(repeating: V1alpha_PodFilter(), count: FilterLimit.count + 1)
        var found = await code { [pods] in try await service.listPods(request: request(pods), context: context) }
        #expect(found == .resourceExhausted)
        pods.filters.removeLast()
        found = await code { [pods] in try await service.listPods(request: request(pods), context: context) }
        #expect(found == nil)
        var images = V1alpha_ListImagesRequest()
        images.filters = [V1alpha_ImageFilter()]
        images.filters[0].keywords = .init(repeating: "a", count: FilterLimit.count)
        let refused = await code { try await service.listImages(request: request(images), context: context) }
        #expect(refused == .resourceExhausted)
        var events = V1alpha_ListenEventsRequest()
        events.filter.names = .init(repeating: "a", count: FilterLimit.count + 1)
        let deaf = await code { try await service.listenEvents(request: request(events), context: context) }
        #expect(deaf == .resourceExhausted)
    }

    @Test func eventsAreStreamedUntilTheServiceEnds() async throws {
        var message = V1alpha_ListenEventsRequest()
        message.filter.types = [.podExited]
        let response = try await service.listenEvents(request: request(message), context: context)
        var event = V1alpha_Event()
        event.type = .podExited
        event.id = "one"
        var other = event
        other.type = .podStarted
        // Before the stream is taken, and after it was answered.
        hub.publish([other, event])
        hub.close()
        let responses = Responses<V1alpha_ListenEventsResponse>()
        #expect(await code { try await take(response, into: responses) } == .unavailable)
        #expect(responses.all.flatMap(\.events) == [event])
    }

    @Test func eventsEndAfterTheTimeThatIsAskedFor() async throws {
        var message = V1alpha_ListenEventsRequest()
        message.filter.untilTime = 5
        let response = try await service.listenEvents(request: request(message), context: context)
        let responses = Responses<V1alpha_ListenEventsResponse>()
        try await take(response, into: responses)
        #expect(responses.all.isEmpty)
    }

    @Test func readersOfLogsAreBoundedAndEndWithTheService() async throws {
        let handle = try fixture.prepare(DataFixture.manifest("web"))
        let uuid = handle.uuid.description
        let running = try handle.run()
        var message = V1alpha_GetLogsRequest()
        message.podID = uuid
        message.follow = true
        var held: [StreamingServerResponse<V1alpha_GetLogsResponse>] = []
        for _ in 0..<PublicAPIService.logReaders {
            held.append(try await service.getLogs(request: request(message), context: context))
        }
        let full = await code { try await service.getLogs(request: request(message), context: context) }
        #expect(full == .resourceExhausted)
        let last = held.removeLast()
        shutdown.begin()
        let responses = Responses<V1alpha_GetLogsResponse>()
        #expect(await code { try await take(last, into: responses) } == .unavailable)
        running.release()
    }
}
