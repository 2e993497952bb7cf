// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Something that did not happen in time.
package struct TimedOut: Error, CustomStringConvertible {
    package let description: String

    package init(_ what: String, _ limit: Duration) {
        description = "\(what) did not happen within \(limit)"
    }
}

/// Waits for a condition, which is asked every few milliseconds.
package func eventually(
    _ what: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
    _ condition: () throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while true {
        if try condition() { return }
        guard clock.now < deadline else { throw TimedOut(what, limit) }
        try await clock.sleep(for: .milliseconds(15))
    }
}
