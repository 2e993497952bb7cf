// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics

/// What came of running a pod on one kernel.
package struct KernelTrial: Sendable, Equatable {
    /// The stage1 image, as it was named.
    package let kernel: String
    /// That of `rkt run`; never 0 for a pod that took too long.
    package var status: Int32
    /// What ended the pod, one word: what its end record says, `refused` when there was no pod, or `timed-out`.
    package var cause: String
    package var milliseconds: Int
    /// One line on an end that is not the apps' own.
    package var message: String?
    /// The last that the guest's kernel wrote, where that may explain the end.
    package var console: [String]
    /// The last lines of the apps' output.
    package var output: [String]
    /// The last lines of what the apps, and this program, wrote on standard error.
    package var errors: [String]

    package init(
        kernel: String, status: Int32, cause: String, milliseconds: Int, message: String? = nil,
        console: [String] = [], output: [String] = [], errors: [String] = []
    ) {
        self.kernel = kernel
        self.status = status
        self.cause = cause
        self.milliseconds = milliseconds
        self.message = message
        self.console = console
        self.output = output
        self.errors = errors
    }

    /// The pod took too long. That is a failure, whatever its apps have made of being stopped.
    ///
    /// - Parameter patience: milliseconds that it had.
    package mutating func timeOut(after patience: Int) {
        if status == ExitStatus.success { status = ExitStatus.error }
        cause = Self.timedOut
        message = "the pod was stopped after \(patience / 1000) seconds"
    }

    /// Takes over what the pod's end record says.
    package mutating func describe(_ end: JSONValue) {
        if cause != Self.timedOut {
            cause = end.value(forKey: "cause")?.string ?? "unknown"
            message = end.value(forKey: "message")?.string
        }
        console = (end.value(forKey: "console")?.array ?? []).compactMap(\.string)
    }

    private static let timedOut = "timed-out"

    /// The lines of the explanation that a table has room for: the kernel's reason for a panic, which stands before a trace,
    /// and the last ones.
    package func explanation(lines count: Int) -> [String] {
        let all = explanation
        guard all.count > count, count > 2 else { return all }
        guard let panic = all.firstIndex(where: { $0.contains("Kernel panic - not syncing") }),
            panic <= all.count - count
        else { return all.suffix(count) }
        return all[max(0, panic - 1)...panic] + all.suffix(count - 2)
    }

    /// What tells best why the run failed: the guest's console, or else what was written.
    package var explanation: [String] {
        guard status != ExitStatus.success else { return [] }
        if !console.isEmpty { return console }
        return errors.isEmpty ? output : errors
    }
}
