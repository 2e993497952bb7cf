// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Keeps what a guest can make the supervisor say to so many lines in a time.
struct NoticeLimit {
    static let most = 16
    /// Milliseconds.
    static let period = 10_000

    private var start: Int?
    private var count = 0
    private var leftOut = 0

    /// - Parameter now: milliseconds of the monotonic clock.
    /// - Returns: whether one more line may be written.
    mutating func admits(at now: Int) -> Bool {
        if let start, now - start < Self.period {
            count += 1
        } else {
            start = now
            count = 1
        }
        if count > Self.most { leftOut += 1 }
        return count <= Self.most
    }

    /// How many lines were left out since this was last asked.
    mutating func takeLeftOut() -> Int {
        defer { leftOut = 0 }
        return leftOut
    }
}
