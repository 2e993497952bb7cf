// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import HummingbirdCore
import LinuxPlatform
import Logging
import NIOCore
import NIOPosix

/// HTTP/1.1 over sockets that listen already.
struct MetadataServer {
    private let endpoints: MetadataEndpoints
    private let group: MultiThreadedEventLoopGroup
    private let logger = Logger(label: "metadata-service") { _ in SwiftLogNoOpLogHandler() }
    /// Users who may register pods.
    private let owners: Set<UInt32>
    private let pods = ConnectionCount(limit: 1024, limitOfEach: 32)
    private let registrars = ConnectionCount(limit: 128, limitOfEach: 128)

    init(_ endpoints: MetadataEndpoints, threads: Int = 2) {
        self.endpoints = endpoints
        group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        owners = [0, geteuid()]
    }

    /// Begins to take connections, which a socket's family says the purpose of.
    func serve(_ socket: ListeningSocket) throws {
        let bootstrap = ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                switch socket.place {
                case .unix: welcomeRegistrar(channel)
                case .tcp: welcomePod(channel)
                }
            }
        _ = try bootstrap.withBoundSocket(socket.descriptor.rawValue).wait()
    }

    // MARK: - Connections

    private func welcomePod(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard let peer = MetadataServer.address(channel), endpoints.accepts(peer) else { return close(channel) }
        return welcome(channel, peer, pods, bodyLimit: MetadataRequest.formLimit) { [endpoints] request, channel in
            guard let peer = MetadataServer.address(channel) else { return .answer(.refusal(401, "no address")) }
            return endpoints.judge(request, from: peer)
        } answer: { [endpoints] request, body, channel in
            guard let peer = MetadataServer.address(channel) else { return .refusal(401, "no address") }
            return endpoints.answer(request, from: peer, body: body)
        }
    }

    private func welcomeRegistrar(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard let options = channel as? any SocketOptionProvider else { return close(channel) }
        // SAFETY: the option is a struct ucred, which is three integers of 32 bits (unix(7), SO_PEERCRED).
        let peer: EventLoopFuture<PeerCredentials> = options.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED))
        return peer.flatMap { peer in
            guard owners.contains(peer.uid) else { return close(channel) }
            return welcome(channel, nil, registrars, bodyLimit: RegistrationRequest.manifestLimit) {
                [endpoints] request, _ in
                endpoints.judge(registration: request)
            } answer: { [endpoints] request, body, _ in
                endpoints.register(request, body: body)
            }
        }
    }

    private struct PeerCredentials: Sendable {
        let pid: Int32
        let uid: UInt32
        let gid: UInt32
    }

    private func welcome(
        _ channel: any Channel, _ peer: IPAddress?, _ count: ConnectionCount, bodyLimit: Int,
        judge: @escaping @Sendable (RequestHead, any Channel) -> HeadVerdict,
        answer: @escaping @Sendable (RequestHead, [UInt8], any Channel) -> MetadataAnswer
    ) -> EventLoopFuture<Void> {
        guard count.enter(peer) else { return close(channel) }
        channel.closeFuture.whenComplete { _ in count.leave(peer) }
        let connection = HTTP1Channel(
            responder: { request, writer, channel in
                let head = RequestHead(
                    method: request.method.rawValue, target: request.head.path ?? "",
                    contentType: request.headers[.contentType], contentLength: request.headers[.contentLength])
                let response: Response
                switch judge(head, channel) {
                case .answer(let answer): response = MetadataServer.response(answer)
                case .body(let length):
                    var body: [UInt8] = []
                    for try await part in request.body {
                        guard body.count + part.readableBytes <= length else { throw BodyTooLong() }
                        body.append(contentsOf: part.readableBytesView)
                    }
                    response = MetadataServer.response(answer(head, body, channel))
                }
                try await writer.write(response: response.head, body: response.body)
            },
            configuration: .init(
                idleTimeout: ConnectionGuard.idleLimit,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: ConnectionGuard.headLimit, maxHeaderListSize: ConnectionGuard.headLimit,
                    maxHeaderFieldCount: 100)))
        let guarded = channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ConnectionGuard(bodyLimit: bodyLimit))
        }
        let logger = logger
        return guarded.flatMap { connection.setup(channel: channel, logger: logger) }.map { value in
            Task { await connection.handle(value: value, logger: logger) }
        }
    }

    private struct BodyTooLong: Error {}

    private func close(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.close().flatMapError { _ in channel.eventLoop.makeSucceededVoidFuture() }
    }

    // MARK: - Between libraries

    private static func response(_ answer: MetadataAnswer) -> Response {
        var response = Response(
            status: .init(code: answer.status), headers: [.contentType: answer.type.rawValue],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
        if let allow = answer.allow { response.headers[.allow] = allow }
        return response
    }

    private static func address(_ channel: any Channel) -> IPAddress? {
        switch channel.remoteAddress {
        // SAFETY: an in_addr has four bytes and an in6_addr has sixteen, all of them set.
        case .v4(let name): withUnsafeBytes(of: name.address.sin_addr) { IPAddress(bytes: Array($0)) }
        case .v6(let name):
            withUnsafeBytes(of: name.address.sin6_addr) { IPAddress(bytes: Array($0)) }?.withoutMapping
        default: nil
        }
    }
}
