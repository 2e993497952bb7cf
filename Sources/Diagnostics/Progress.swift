// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// Hears how far long steps have come. It is told of every block of data, and shows what it likes of that.
package struct Progress: Sendable {
    /// Gets what is being done (`importing busybox.aci`), the bytes done so far, and all bytes if they are known.
    package let report: @Sendable (_ step: String, _ done: Int64, _ total: Int64?) -> Void
    /// The step is over, well or not.
    package let end: @Sendable () -> Void

    package init(
        report: @escaping @Sendable (_ step: String, _ done: Int64, _ total: Int64?) -> Void,
        end: @escaping @Sendable () -> Void
    ) {
        self.report = report
        self.end = end
    }

    /// Begins a step.
    ///
    /// - Returns: what to call with the size of each block.
    package func begin(_ step: String, total: Int64?) -> (Int) -> Void {
        var done: Int64 = 0
        report(step, 0, total)
        return { count in
            done += Int64(count)
            report(step, done, total)
        }
    }
}
