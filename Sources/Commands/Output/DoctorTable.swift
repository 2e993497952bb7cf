// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Stage0

/// What `doctor` prints: a table of the host, and one of what can run pods on it.
package enum DoctorTable {
    package static func text(_ report: HostReport, legend: Bool) -> String {
        var host = TabbedTable()
        if legend { host.append(["CHECK", "STATE", "DETAIL"]) }
        for check in report.checks { add([check.name, check.state.rawValue], check.details, to: &host) }
        var runs = TabbedTable()
        if legend { runs.append(["STAGE1", "BACKEND", "STATE", "ISOLATION", "DETAIL"]) }
        for image in report.stage1Images { add(image, to: &runs) }
        return host.text + "\n" + runs.text
    }

    private static func add(_ image: Stage1Report, to table: inout TabbedTable) {
        let name = (image.isDefault ? "*" : "") + image.name + (image.version.map { ":\($0)" } ?? "")
        switch image.outcome {
        case .answer(let answer):
            for backend in answer.backends {
                let mark = backend.isChosen ? "*" : ""
                add(
                    [name, mark + backend.name, backend.state.rawValue, backend.isolation ?? "-"], lines(backend),
                    to: &table)
            }
        case .silent(let reason): add([name, "-", "unknown", "-"], [reason], to: &table)
        case .failed(let reason): add([name, "-", "failed", "-"], [reason], to: &table)
        }
    }

    private static func lines(_ backend: Stage1Answer.Backend) -> [String] {
        var lines = backend.problems
        if let accelerator = backend.accelerator {
            lines.append("accelerator: \(accelerator)" + (backend.acceleratorFallback.map { ", as \($0)" } ?? ""))
        }
        for program in backend.programs {
            // One that is missing has been told of as a problem.
            guard let path = program.path else { continue }
            lines.append("program: \(path)" + (program.version.map { ", \($0)" } ?? ""))
        }
        if !backend.confinement.isEmpty {
            let words = ["systemCalls": "system calls"]
            let parts = backend.confinement.map { "\(words[$0.name] ?? $0.name): \($0.value)" }
            lines.append(parts.joined(separator: "; "))
        }
        return lines
    }

    /// Further details stand below the first one.
    private static func add(_ facts: [String], _ details: [String], to table: inout TabbedTable) {
        // Files and programs of the host have names and versions of any kind.
        let lines = details.map { PrintableText.line($0) }
        table.append(facts + [lines.first ?? ""])
        for line in lines.dropFirst() { table.append(facts.map { _ in "" } + [line]) }
    }
}
