// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing

/// Work on a thread of its own, so that the signals meant for it reach nothing else of the test program.
struct SignalledThread<Value: Sendable>: Sendable {
    private final class State: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
        let isDone = Mutex(false)
    }

    private let state: State
    private let thread: pthread_t

    init(_ work: @escaping @Sendable () throws -> Value) {
        _ = Glibc.signal(SIGPIPE, SIG_IGN)
        let state = State()
        self.state = state
        thread = startThread {
            let value: Result<Value, any Error>
            do { value = .success(try work()) } catch { value = .failure(error) }
            state.result.withLock { $0 = value }
            // Signals may still come: a thread that has ended cannot be sent any.
            while !state.isDone.withLock({ $0 }) { usleep(1000) }
        }
    }

    func signal(_ number: Int32) { state.isDone.withLock { if !$0 { _ = pthread_kill(thread, number) } } }

    var hasEnded: Bool { state.result.withLock { $0 != nil } }

    func value(within limit: Duration = .seconds(60)) async throws -> Value {
        try await eventually("the end of the thread", within: limit) { hasEnded }
        state.isDone.withLock { $0 = true }
        return try #require(state.result.withLock { $0 }).get()
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func startThread(_ run: @escaping @Sendable () -> Void) -> pthread_t {
    var started = pthread_t()
    let body = Unmanaged.passRetained(ThreadBody(run)).toOpaque()
    pthread_create(
        &started, nil,
        { body in
            if let body { Unmanaged<ThreadBody>.fromOpaque(body).takeRetainedValue().run() }
            return nil
        }, body)
    pthread_detach(started)
    return started
}
