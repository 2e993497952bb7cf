// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Hypervisor
import Networking

/// What machine a pod would get, for `rkt run --dry-run`.
package struct MachinePreview {
    private let plan: PodPlan
    private let backend: HypervisorKind
    private let accelerator: AcceleratorChoice?
    private let isolation: IsolationLevel
    private let networks: ResolvedNetworks

    package init(
        _ plan: PodPlan, backend: HypervisorKind, accelerator: AcceleratorChoice?, isolation: IsolationLevel,
        networks: ResolvedNetworks
    ) {
        self.plan = plan
        self.networks = networks
        self.backend = backend
        self.accelerator = accelerator
        self.isolation = isolation
    }

    /// The keys are those of the record of a running machine, and what goes into it.
    package var json: JSONValue {
        var object = JSONObject()
        object.set("backend", .string(backend.rawValue))
        if let accelerator {
            object.set("accelerator", .string(accelerator.accelerator.rawValue))
            if let reason = accelerator.fallbackReason { object.set("acceleratorFallback", .string(reason)) }
        }
        object.set("isolation", .string(isolation.rawValue))
        object.set("memoryMiB", JSONValue(plan.machine.memory))
        object.set("processors", JSONValue(plan.machine.processors))
        object.set("shares", .array(shares))
        object.set("networks", .array(networks.networks.map { .string($0.name) }))
        object.set("isolators", plan.isolators.json)
        object.set("warnings", .array(plan.warnings.map { .string($0) }))
        return .object(object)
    }

    private var shares: [JSONValue] {
        plan.exports.map { export in
            [
                "tag": .string(export.tag), "source": .string(export.source.string),
                "type": .string(export.transport), "readOnly": .bool(export.readOnly),
            ]
        }
    }
}
