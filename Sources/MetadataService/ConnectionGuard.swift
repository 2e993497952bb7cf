// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import NIOCore
import Synchronization

/// Closes a connection that takes too long or sends too much. It counts bytes, so that nothing that a peer writes gets around.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// From the first byte of a request to the first of its answer.
    static let requestLimit = TimeAmount.seconds(5)
    /// Until a peer has taken an answer.
    static let answerLimit = TimeAmount.seconds(10)
    /// How long a connection may wait for the next request.
    static let idleLimit = TimeAmount.seconds(10)
    /// What a request may have besides its body, in bytes.
    static let headLimit = 16 << 10

    private enum State {
        case idle
        case request(Scheduled<Void>)
        case answer(Scheduled<Void>, unsent: Int)
    }

    private var state = State.idle
    /// Bytes since the last answer.
    private var received = 0
    private let byteLimit: Int

    /// - Parameter bodyLimit: the largest body that is taken, in bytes.
    init(bodyLimit: Int) {
        byteLimit = bodyLimit + 4 * ConnectionGuard.headLimit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        guard received <= byteLimit else { return context.close(promise: nil) }
        if case .idle = state { state = .request(close(context, in: ConnectionGuard.requestLimit)) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        received = 0
        switch state {
        case .idle: state = .answer(close(context, in: ConnectionGuard.answerLimit), unsent: 1)
        case .request(let timer):
            timer.cancel()
            state = .answer(close(context, in: ConnectionGuard.answerLimit), unsent: 1)
        case .answer(let timer, let unsent): state = .answer(timer, unsent: unsent + 1)
        }
        let promise = promise ?? context.eventLoop.makePromise()
        promise.futureResult.assumeIsolated().whenComplete { _ in self.written() }
        context.write(data, promise: promise)
    }

    private func written() {
        guard case .answer(let timer, let unsent) = state else { return }
        guard unsent == 1 else { return state = .answer(timer, unsent: unsent - 1) }
        timer.cancel()
        state = .idle
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch state {
        case .idle: break
        case .request(let timer), .answer(let timer, _): timer.cancel()
        }
        state = .idle
        context.fireChannelInactive()
    }

    private func close(_ context: ChannelHandlerContext, in limit: TimeAmount) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    }
}

/// How many connections there are, in all and from each address.
final class ConnectionCount: Sendable {
    private let counts = Mutex<(all: Int, each: [IPAddress?: Int])>((0, [:]))
    private let limit: Int
    private let limitOfEach: Int

    init(limit: Int, limitOfEach: Int) {
        self.limit = limit
        self.limitOfEach = limitOfEach
    }

    /// - Returns: whether there may be another one, which counts until `leave`.
    func enter(_ peer: IPAddress?) -> Bool {
        counts.withLock { counts in
            guard counts.all < limit, counts.each[peer, default: 0] < limitOfEach else { return false }
            counts.all += 1
            counts.each[peer, default: 0] += 1
            return true
        }
    }

    func leave(_ peer: IPAddress?) {
        counts.withLock { counts in
            counts.all -= 1
            let left = counts.each[peer, default: 1] - 1
            counts.each[peer] = left > 0 ? left : nil
        }
    }
}
