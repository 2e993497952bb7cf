// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// Pods of one app in a chroot(2) of the host, with its kernel, processes, network and privileges: only mounts are the
/// pod's own.
package struct FlyHypervisor: Hypervisor {
    package init() {}

    package var kind: HypervisorKind { .fly }
    package var capabilities: HypervisorCapabilities { [.hostNetwork, .preservesExitStatus] }
    package var acceptedAttachments: Set<NetworkAttachment.Kind> { [.host] }

    /// An app of the superuser's leaves its root at will.
    package func isolation(of spec: MachineSpec) throws -> IsolationLevel { .chroot }

    package func survey(_ request: SurveyRequest) -> BackendSurvey {
        BackendSurvey(
            kind, isolation: .chroot, request,
            confinement: SurveyedConfinement(
                user: "the app's", capabilities: "the app's", systemCalls: "not filtered", namespaces: "mount",
                root: "private"))
    }
}

extension FlyHypervisor: DirectHypervisor {
    package func prepare(_ plan: FlyPlan) throws {
        let propagated = try FlyNamespace.enter(plan)
        var mounts = FlyMounts(plan, propagated)
        try mounts.make()
    }

    package func execute(_ plan: FlyPlan) throws -> Never {
        try FlyDescriptors.keep(plan.inheritedDescriptors)
        try FlyDescriptors.discard(plan.program.nullDescriptors)
        try FlyRoot.change(to: plan.root)
        try FlyProgram(plan.program).start()
    }

    package func enter(_ program: AppProgram, root: FilePath, beside process: ProcessIdentity) throws -> Never {
        do {
            let mounts = try MountNamespace(of: process.pid)
            // Asked when they are open: as long as the process is there, nobody else has its number.
            guard process.exists else { throw RuntimeError(.notFound, "the process has ended") }
            try mounts.join()
        } catch {
            throw RuntimeError(.invalidState, "the mounts of process \(process.pid) cannot be had", cause: error)
        }
        try FlyRoot.change(to: root)
        try FlyProgram(program).start()
    }
}
