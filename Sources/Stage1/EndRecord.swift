// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore

/// How a pod ended, kept in its directory for `rkt status`.
package struct EndRecord {
    /// One word.
    var cause: String
    var status: Int32
    var message: String?
    /// The last lines of the guest's console and of the hypervisor, where they may explain the end.
    var console: [String] = []
    var hypervisor: [String] = []

    /// Ends a pod whose machine was not started, or not supervised to its end: the reason is recorded and thrown on.
    package static func keeping<Value>(in pod: PodLayout, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            // What the supervisor has recorded is nearer to the truth.
            if !FileSystem.exists(pod.endRecord) {
                let message = String(PrintableText.line("\(error)").prefix(1000))
                let status = (error as? ProgramFailure)?.status ?? ExitStatus.error
                try? EndRecord(cause: "start-failed", status: status, message: message).write(to: pod)
            }
            throw error
        }
    }

    func write(to pod: PodLayout) throws {
        var end = JSONObject()
        end.set("cause", .string(cause))
        end.set("status", .number("\(status)"))
        if let message { end.set("message", .string(message)) }
        for (key, lines) in [("console", console), ("hypervisor", hypervisor)] where !lines.isEmpty {
            end.set(key, .array(lines.map { .string($0) }))
        }
        try FileSystem.writeAtomically(Array((JSONValue.object(end).encoded() + "\n").utf8), to: pod.endRecord)
    }
}
