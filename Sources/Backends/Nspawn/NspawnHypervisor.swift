// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor

/// Pods in containers of systemd-nspawn(1), which comes with the machine's root.
package struct NspawnHypervisor: MachineHypervisor {
    package init() {}

    package var kind: HypervisorKind { .nspawn }
    package var capabilities: HypervisorCapabilities {
        [.hostNetwork, .preservesExitStatus, .agent, .userNamespaces, .mutablePods, .labels]
    }
    package var acceptedAttachments: Set<NetworkAttachment.Kind> { [.namespace, .host] }

    /// The host's kernel answers the system calls of a container.
    package func isolation(of spec: MachineSpec) throws -> IsolationLevel { .container }

    package func programs(of spec: MachineSpec) -> [MachineProgram] {
        guard case .directory(let root) = spec.root else { return [] }
        return [MachineProgram("systemd-nspawn", Self.programPath(root))]
    }

    /// Its program comes with the stage1 image.
    package func survey(_ request: SurveyRequest) -> BackendSurvey {
        BackendSurvey(
            kind, isolation: .container, request,
            confinement: SurveyedConfinement(
                user: "root", capabilities: "those that apps keep", systemCalls: "filtered for each app",
                namespaces: "mount, pid, ipc, uts, net", root: "private", label: SurveyedConfinement.ownLabel))
    }

    package func launch(_ plan: NspawnCommandLine) throws -> any Machine {
        try NspawnLaunch(plan).run()
    }
}

extension NspawnHypervisor: MachineCollector {
    package func collect(_ remains: MachineRemains) throws {
        try NspawnHostChanges(name: remains.name, workingDirectory: remains.workingDirectory).undo()
    }
}
