// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Synchronization

/// Adds up how far several downloads at once have come.
final class CombinedProgress: Sendable {
    private let progress: Progress
    private let step: String
    private let parts: Mutex<[(done: Int64, total: Int64?)]>

    init(_ progress: Progress, urls: [String]) {
        self.progress = progress
        let name = urls.count == 1 ? (urls[0].split(separator: "/").last.map(String.init) ?? urls[0]) : nil
        step = "downloading " + (name ?? "\(urls.count) images")
        parts = Mutex(urls.map { _ in (0, nil) })
    }

    func report(_ index: Int, _ done: Int64, _ total: Int64?) {
        let sum = parts.withLock { parts -> (done: Int64, total: Int64?) in
            parts[index] = (done, total)
            let totals = parts.compactMap(\.total)
            return (
                parts.reduce(0) { $0 + $1.done }, totals.count == parts.count ? totals.reduce(0, +) : nil
            )
        }
        progress.report(step, sum.done, sum.total)
    }

    func end() { progress.end() }
}
