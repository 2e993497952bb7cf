// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import Diagnostics
import Dispatch
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import LinuxPlatform
import NIOPosix
import RktAPI
import Stage0
import Synchronization
import SystemPackage

/// The program from its arguments to its exit status.
package enum APIServer {
    /// Bytes of a request.
    private static let requestLimit = 1 << 20
    /// Of each socket: those of one that everybody reaches leave room on another.
    private static let connections = 1024
    /// Of each connection.
    private static let streams = 100
    /// Seconds that calls have to end.
    private static let patience = 5

    /// Serves until SIGTERM or SIGINT comes. Returns the exit status.
    package static func run(_ words: [String]) -> Int32 {
        do {
            try serve(ServiceArguments(words))
            return ExitStatus.success
        } catch {
            say("\(error)")
            return ExitStatus.error
        }
    }

    private static func say(_ text: String) { Notices(isDebug: false).write("api-service", text) }

    private static func serve(_ arguments: ServiceArguments) throws {
        // All threads begin with this one's mask.
        let signals = try SignalDescriptor([SIGTERM, SIGINT])
        signal(SIGPIPE, SIG_IGN)
        // There may be more connections than descriptors by default, and each pod that runs takes two.
        ResourceLimit.allowDescriptors(16_384)
        let sockets = try arguments.sockets()
        defer { for socket in sockets { socket.removePath() } }
        for socket in sockets where socket.isOpenToOthers && !socket.isPassed {
            say(
                "warning: whoever reaches \(socket.place) may read all pods and images, and the environments of apps; "
                    + "there is no authentication")
        }
        let source = PodSource(PodRuntime(arguments.settings))
        let hub = EventHub()
        let board = HealthBoard()
        let shutdown = Shutdown()
        startWatching(source, hub, board)
        let index = try DescriptorIndex()
        let services: [any RegistrableRPCService] = [
            PublicAPIService(source, hub, shutdown, workers: FileWorkers(), flags: arguments.flags),
            HealthService(board), ReflectionService(index), OldReflectionService(index),
        ]
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let servers = sockets.map { socket in
            GRPCServer(
                transport: HTTP2ServerTransport.Posix(
                    listeningSocketDescriptor: Int(socket.descriptor.rawValue), transportSecurity: .plaintext,
                    config: configuration(), eventLoopGroup: group),
                services: services)
        }
        let failure = try Failure()
        let serving = DispatchGroup()
        let listening = DispatchGroup()
        for server in servers {
            serving.enter()
            listening.enter()
            Task {
                do {
                    try await server.serve()
                } catch {
                    failure.set(error)
                }
                serving.leave()
            }
            Task {
                // It throws when the server has failed, which its task tells.
                _ = try? await server.transport.listeningAddress
                listening.leave()
            }
        }
        listening.wait()
        if let error = failure.error { throw error }
        for socket in sockets { say("listening on \(socket.place)") }
        say("API service running")
        do {
            try NotificationSocket.notifyReady()
        } catch {
            say("warning: \(error)")
        }
        while try failure.error == nil && signals.next() == nil {
            _ = try Poll.wait([(signals.descriptor, .read), (failure.descriptor, .read)], timeout: nil)
        }
        shutdown.begin()
        hub.close()
        board.close()
        for server in servers { server.beginGracefulShutdown() }
        _ = serving.wait(timeout: .now() + .seconds(patience))
        if let error = failure.error { throw error }
    }

    private static func configuration() -> HTTP2ServerTransport.Posix.Config {
        .defaults { configuration in
            configuration.http2.maxConcurrentStreams = streams
            configuration.rpc.maxRequestPayloadSize = requestLimit
            configuration.connection.keepalive.time = .seconds(20)
            configuration.connection.keepalive.clientBehavior = .init(
                minPingIntervalWithoutCalls: .seconds(5), allowWithoutCalls: true)
            let count = Count()
            configuration.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
                let isTooMany = count.add(1) > connections
                channel.closeFuture.whenComplete { _ in _ = count.add(-1) }
                if isTooMany { channel.eventLoop.execute { channel.close(promise: nil) } }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
        }
    }

    /// Looks and tells, on a thread that lasts as long as the program. Returns after the first look.
    private static func startWatching(_ source: PodSource, _ hub: EventHub, _ board: HealthBoard) {
        let hasLooked = DispatchSemaphore(value: 0)
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        pool.submit { _ in
            var isFirst = true
            while true {
                do {
                    var watcher = try Watcher(source)
                    board.set(watcher.failure == nil)
                    if isFirst { hasLooked.signal() }
                    isFirst = false
                    while true {
                        hub.publish(try watcher.next())
                        board.set(watcher.failure == nil)
                    }
                } catch {
                    // No descriptor to be had, for instance; what happens meanwhile is not told.
                    say("warning: cannot watch pods and images: \(error)")
                    board.set(false)
                    if isFirst { hasLooked.signal() }
                    isFirst = false
                    usleep(UInt32(DataDirectoryWatch.revisit) * 1000)
                }
            }
        }
        hasLooked.wait()
    }
}

/// A number that many change.
private final class Count: Sendable {
    private let value = Mutex(0)

    /// - Returns: the sum.
    func add(_ change: Int) -> Int {
        value.withLock { value in
            value += change
            return value
        }
    }
}

/// Why a server has ended that should not have.
private final class Failure: Sendable {
    private let value = Mutex<(any Error)?>(nil)
    private let writer: SystemPackage.FileDescriptor
    /// Readable when there is one.
    let descriptor: SystemPackage.FileDescriptor

    init() throws { (descriptor, writer) = try UnixSocket.pair() }

    var error: (any Error)? { value.withLock { $0 } }

    func set(_ error: any Error) {
        value.withLock { $0 = error }
        try? FileSystem.writeAll([0], to: writer)
    }
}
