// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GRPCCore
import NIOPosix

/// The threads that read files, so that no thread that serves connections waits for a disk.
package struct FileWorkers: Sendable {
    private let pool: NIOThreadPool

    package init(count: Int = 4) {
        pool = NIOThreadPool(numberOfThreads: count)
        pool.start()
    }

    /// Does work of a call on one of the threads; what it throws comes as an error of gRPC's.
    ///
    /// - Parameters:
    ///   - hasLeft: whether nobody waits for it any more, asked when it is its turn.
    ///   - ambiguous: see ``RPCError/init(_:ambiguous:)``.
    package func run<Value: Sendable>(
        unless hasLeft: @escaping @Sendable () -> Bool, ambiguous: Bool = false,
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.runIfActive {
                if hasLeft() { throw RPCError(code: .cancelled, message: "the client has left") }
                return try body()
            }
        } catch {
            throw RPCError(error, ambiguous: ambiguous)
        }
    }
}
