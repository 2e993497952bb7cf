// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Stage0

/// What `kernel-test` prints: a line for each kernel, and below it the rest of what explains a failure.
package enum KernelTable {
    /// Lines of a failure that the short form shows.
    private static let shortLines = 5

    package static func table(_ trials: [KernelTrial], full: Bool, legend: Bool) -> TabbedTable {
        var table = TabbedTable()
        if legend { table.append(["KERNEL", "STATUS", "CAUSE", "SECONDS", "LAST LINES"]) }
        for trial in trials {
            let lines =
                (trial.message.map { [$0] } ?? [])
                + (full ? trial.explanation : trial.explanation(lines: shortLines))
            let facts = [full ? trial.kernel : name(trial.kernel), String(trial.status), trial.cause, seconds(trial)]
            table.append(facts + [lines.first ?? ""])
            for line in lines.dropFirst() { table.append(facts.map { _ in "" } + [line]) }
        }
        return table
    }

    package static func object(_ trial: KernelTrial) -> JSONValue {
        func strings(_ lines: [String]) -> JSONValue { .array(lines.map { .string($0) }) }
        var object = JSONObject()
        object.set("kernel", .string(trial.kernel))
        object.set("status", .number(String(trial.status)))
        object.set("cause", .string(trial.cause))
        object.set("seconds", .number(seconds(trial)))
        if let message = trial.message { object.set("message", .string(message)) }
        object.set("console", strings(trial.console))
        object.set("output", strings(trial.output))
        object.set("errors", strings(trial.errors))
        return .object(object)
    }

    /// Of a file its name.
    private static func name(_ kernel: String) -> String {
        guard kernel.hasSuffix(".aci"), let slash = kernel.lastIndex(of: "/") else { return kernel }
        return String(kernel[kernel.index(after: slash)...])
    }

    private static func seconds(_ trial: KernelTrial) -> String {
        let tenths = (trial.milliseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10)"
    }
}
