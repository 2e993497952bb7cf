// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Hypervisor
import LinuxPlatform
import SystemPackage

/// What runs the pod, kept in its directory for `rkt status`.
struct MachineRecord {
    var backend: HypervisorKind
    /// The hypervisor's name for its version.
    var version: String
    /// Nil where the kernel is the host's.
    var accelerator: AcceleratorChoice?
    var isolation: IsolationLevel
    /// MiB.
    var memory: Int
    var processors: Int
    var isolators: IsolatorReport
    var statement = MachineStatement()

    var json: JSONValue {
        var object = JSONObject()
        object.set("backend", .string(backend.rawValue))
        object.set("version", .string(version))
        if let accelerator {
            object.set("accelerator", .string(accelerator.accelerator.rawValue))
            if let reason = accelerator.fallbackReason { object.set("acceleratorFallback", .string(reason)) }
        }
        object.set("isolation", .string(isolation.rawValue))
        object.set("memoryMiB", JSONValue(memory))
        object.set("processors", JSONValue(processors))
        for (key, value) in statement.members { object.set(key, value) }
        if !isolators.entries.isEmpty { object.set("isolators", isolators.json) }
        return .object(object)
    }

    func write(to path: FilePath) throws {
        try FileSystem.writeAtomically(Array((json.encoded(pretty: false) + "\n").utf8), to: path)
    }
}
