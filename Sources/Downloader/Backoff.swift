// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTransport

/// How long to wait before another attempt, in milliseconds.
enum Backoff {
    private static let first = 250
    private static let longest = 8000
    /// The longest time that a server may ask for.
    static let patience = 30_000

    /// Twice as long with each attempt; random, so that clients which failed together do not come back together.
    ///
    /// - Parameter attempt: the number of the attempt that failed, from 1.
    static func delay(after attempt: Int) -> Int {
        let full = min(first << min(attempt - 1, 10), longest)
        return Int.random(in: full / 2...full)
    }

    /// Whether an answer says that another attempt may fare better.
    static func isTransient(_ status: Int) -> Bool { [408, 429, 500, 502, 503, 504].contains(status) }

    /// What the server asks for; nil if it does not say, or by a date.
    static func delay(askedBy head: HTTPResponse) -> Int? {
        guard let text = head["Retry-After"], text.utf8.count < 10, let seconds = Int(text), seconds >= 0 else {
            return nil
        }
        return seconds * 1000
    }
}
