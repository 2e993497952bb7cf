// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import SystemPackage

/// Pods in virtual machines of the distribution's QEMU.
package struct QEMUHypervisor: MachineHypervisor {
    package let installation: QEMUInstallation
    package let accelerators: AcceleratorFacts

    package init(installation: QEMUInstallation, accelerators: AcceleratorFacts) {
        self.installation = installation
        self.accelerators = accelerators
    }

    /// The backend with what this host has.
    ///
    /// - Parameter binary: the emulator to use instead of the one in the search path.
    package static func probe(binary: FilePath? = nil) -> QEMUHypervisor {
        QEMUHypervisor(installation: .probe(emulator: binary), accelerators: .probe())
    }

    package var kind: HypervisorKind { .qemu }
    package var capabilities: HypervisorCapabilities {
        [.ownKernel, .preservesExitStatus, .virtiofs, .executableKernel, .agent, .mutablePods, .labels]
    }
    package var acceptedAttachments: Set<NetworkAttachment.Kind> { [.interfaces] }

    /// Every machine is behind the filter of system calls. A user of its own makes that a confinement, unless it serves shares
    /// over 9p: for those it may open what root may.
    package func isolationFacts(of spec: MachineSpec) throws -> IsolationFacts {
        let servesFiles = spec.shares.contains { if case .plan9 = $0 { true } else { false } }
        return IsolationFacts(
            virtualizationProblem: try accelerators.choose(spec.accelerator).emulationReason,
            hasOwnUser: spec.user != nil,
            fileAccess: servesFiles ? "shares over 9p take what root may" : nil)
    }

    package func isolation(of spec: MachineSpec) throws -> IsolationLevel { try isolationFacts(of: spec).level }

    package func programs(of spec: MachineSpec) -> [MachineProgram] {
        let usesServer = spec.shares.contains { if case .virtiofs = $0 { true } else { false } }
        return [
            installation.emulator.map { MachineProgram(installation.emulatorName, $0) },
            usesServer ? installation.virtiofsd.map { MachineProgram("virtiofsd", $0) } : nil,
        ].compactMap { $0 }
    }

    /// virtiofsd serves the apps' root directories: without it there is no pod.
    package func survey(_ request: SurveyRequest) -> BackendSurvey {
        let programs = [
            ProgramVersion.survey(installation.emulatorName, ["--version"], path: installation.requireEmulator),
            ProgramVersion.survey("virtiofsd", ["--version"], path: installation.requireVirtiofsd),
        ]
        let confinement = SurveyedConfinement(
            user: "one of its own for each machine", capabilities: "none, or those that volumes over 9p take",
            systemCalls: "filtered", namespaces: "mount", limits: MachineLimits.words,
            label: SurveyedConfinement.ownLabel)
        do {
            let choice = try accelerators.choose(request.accelerator)
            return BackendSurvey(
                kind, isolation: choice.accelerator == .kvm ? .confined : .emulation, request, programs: programs,
                accelerator: choice, confinement: confinement,
                facts: IsolationFacts(virtualizationProblem: choice.emulationReason))
        } catch {
            return BackendSurvey(
                kind, programs: programs, confinement: confinement,
                problems: programs.compactMap(\.problem) + ["\(error)"])
        }
    }

    package func launch(_ plan: QEMUCommandLine) throws -> any Machine {
        try QEMULaunch(plan).run()
    }
}
