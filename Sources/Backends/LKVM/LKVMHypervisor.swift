// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import SystemPackage

/// Pods in virtual machines of kvmtool, whose program is called lkvm: little code, KVM only, and nothing that confines it.
package struct LKVMHypervisor: MachineHypervisor {
    package let installation: LKVMInstallation
    package let accelerators: AcceleratorFacts

    package init(installation: LKVMInstallation, accelerators: AcceleratorFacts) {
        self.installation = installation
        self.accelerators = accelerators
    }

    /// The backend with what this host has.
    ///
    /// - Parameter binary: the program to use instead of the one in the search path.
    package static func probe(binary: FilePath? = nil) -> LKVMHypervisor {
        LKVMHypervisor(installation: .probe(program: binary), accelerators: .probe())
    }

    package var kind: HypervisorKind { .lkvm }
    package var capabilities: HypervisorCapabilities {
        [.ownKernel, .preservesExitStatus, .agent, .mutablePods, .labels]
    }
    package var acceptedAttachments: Set<NetworkAttachment.Kind> { [.interfaces] }

    /// lkvm filters none of its system calls: it is not for hostile guests, whoever it runs as.
    package func isolation(of spec: MachineSpec) throws -> IsolationLevel { try isolationFacts(of: spec).level }

    package func isolationFacts(of spec: MachineSpec) throws -> IsolationFacts {
        Self.facts(hasOwnUser: spec.user != nil, servesFiles: !spec.shares.isEmpty)
    }

    package func programs(of spec: MachineSpec) -> [MachineProgram] {
        installation.program.map { [MachineProgram("lkvm", $0)] } ?? []
    }

    /// There is no machine without KVM.
    private static func facts(hasOwnUser: Bool, servesFiles: Bool) -> IsolationFacts {
        IsolationFacts(
            filtersSystemCalls: false, hasOwnUser: hasOwnUser,
            fileAccess: servesFiles ? "shares over 9p take what root may" : nil)
    }

    package func survey(_ request: SurveyRequest) -> BackendSurvey {
        let program = ProgramVersion.survey("lkvm", ["version"], path: installation.requireProgram)
        var problems: [String] = []
        if let problem = accelerators.problem {
            problems.append(
                "it runs by KVM only, which cannot be used: \(problem); use a backend that emulates, or a host with KVM"
            )
        } else if request.accelerator == .tcg {
            problems.append(
                "the configuration asks for the accelerator \"tcg\", and it runs by KVM only; use the accelerator "
                    + "\"auto\" or another \"backend\"")
        }
        return BackendSurvey(
            kind, isolation: .virtualization, request, programs: [program],
            accelerator: problems.isEmpty ? AcceleratorChoice(.kvm) : nil,
            confinement: SurveyedConfinement(
                user: "one of its own for each machine", capabilities: "none, or those that shares over 9p take",
                systemCalls: "not filtered", namespaces: "mount", limits: MachineLimits.words,
                label: SurveyedConfinement.ownLabel),
            problems: problems,
            facts: Self.facts(hasOwnUser: true, servesFiles: true))
    }

    package func launch(_ plan: LKVMCommandLine) throws -> any Machine {
        try LKVMLaunch(plan).run()
    }
}
