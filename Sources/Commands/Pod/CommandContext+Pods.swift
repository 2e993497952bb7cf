// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Stage0

extension CommandContext {
    /// Does something to each pod, tells about every failure and goes on.
    ///
    /// - Parameter summary: the last line when some pods failed; it gets their number.
    /// - Returns: the exit status.
    func forEach(
        _ pods: [String], of runtime: PodRuntime, summary: (Int) -> String, _ body: (String) throws -> Void
    ) throws -> Int32 {
        var failures = 0
        for pod in pods {
            do {
                let uuid = try runtime.find(pod, or: "cannot get pod")
                try body(uuid)
            } catch {
                failures += 1
                // Stage1 has said what there is to say.
                if error is CollectFailure { continue }
                for line in ErrorReport.lines(error, component: component, debug: runtime.settings.isDebug) {
                    console.tell(line)
                }
            }
        }
        guard failures > 0 else { return ExitStatus.success }
        console.tell("\(component): \(summary(failures))")
        return ExitStatus.error
    }
}

extension PodRuntime {
    /// The whole UUID that a beginning of one means.
    ///
    /// - Throws: an error with the given message and the reason as its cause.
    func find(_ pod: String, or message: String) throws -> String {
        do {
            return try pods.find(pod).uuid.description
        } catch let error as RuntimeError {
            throw RuntimeError(error.code, message, cause: error)
        }
    }
}
