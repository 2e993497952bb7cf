// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import HTTPTransport
import LinuxPlatform

/// Gives up on a server that sends just enough for its connection not to time out.
struct Pace {
    private let minimumBytes: Int
    private let window: Int
    private let circumstances: TransferFailure.Circumstances
    private var start = Clock.milliseconds
    private var bytes = 0

    init(_ request: HTTPRequest, _ circumstances: TransferFailure.Circumstances) {
        minimumBytes = request.minimumBytes
        window = request.window
        self.circumstances = circumstances
    }

    /// Counts what has come.
    mutating func note(_ count: Int) throws(TransferFailure) {
        bytes += count
        let now = Clock.milliseconds
        guard now - start >= window else { return }
        guard bytes >= minimumBytes else {
            throw circumstances.cannotGet(
                .timeout, "only \(bytes) bytes have come in \(Pace.text(now - start)), \(minimumBytes) are the fewest",
                isTransient: true)
        }
        start = now
        bytes = 0
    }

    /// Waits for the header of an answer, no longer than for some bytes of a body once there is a connection.
    static func head(
        _ request: HTTPRequest, _ circumstances: TransferFailure.Circumstances,
        _ body: @escaping @Sendable () async throws -> HTTPClientResponse
    ) async throws -> HTTPClientResponse {
        let patience = request.patience + request.window
        return try await withThrowingTaskGroup(of: HTTPClientResponse?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: .milliseconds(patience))
                return nil
            }
            guard let response = try await group.next() ?? nil else {
                throw circumstances.cannotGet(
                    .timeout, "the header of an answer has not come within \(text(patience))", isTransient: true)
            }
            return response
        }
    }

    private static func text(_ milliseconds: Int) -> String {
        milliseconds >= 1000 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}
