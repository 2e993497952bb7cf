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

    /// Does work on one of the threads; what it throws comes as an error of gRPC's.
    ///
    /// - Parameter ambiguous: see ``RPCError/init(_:ambiguous:)``.
    package func run<Value: Sendable>(
        ambiguous: Bool = false, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.runIfActive(body)
        } catch {
            throw RPCError(error, ambiguous: ambiguous)
        }
    }
}
