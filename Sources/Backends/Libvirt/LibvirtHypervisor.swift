// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import LinuxPlatform
import SystemPackage

/// Pods in virtual machines of QEMU that libvirt makes, as domains that are gone with their pods.
package struct LibvirtHypervisor: MachineHypervisor, MachineCollector {
    package let installation: LibvirtInstallation
    package let accelerators: AcceleratorFacts

    package init(installation: LibvirtInstallation, accelerators: AcceleratorFacts) {
        self.installation = installation
        self.accelerators = accelerators
    }

    /// The backend with what this host has.
    ///
    /// - Parameters:
    ///   - emulator: the one that libvirt uses instead of its own choice.
    ///   - programs: where the programs are that were installed with rkt.
    package static func probe(emulator: FilePath? = nil, programs: FilePath? = nil) -> LibvirtHypervisor {
        LibvirtHypervisor(
            installation: .probe(emulator: emulator, programs: programs), accelerators: .probe())
    }

    package var kind: HypervisorKind { .libvirt }
    package var capabilities: HypervisorCapabilities {
        [.ownKernel, .preservesExitStatus, .virtiofs, .virtiofsOnly, .executableKernel, .agent, .mutablePods]
    }
    package var acceptedAttachments: Set<NetworkAttachment.Kind> { [.interfaces] }

    /// Every machine has a user of its own. That its system calls are filtered, which is libvirt's to do, is looked at when
    /// it has been made.
    package func isolationFacts(of spec: MachineSpec) throws -> IsolationFacts {
        IsolationFacts(virtualizationProblem: try accelerators.choose(spec.accelerator).emulationReason)
    }

    package func isolation(of spec: MachineSpec) throws -> IsolationLevel { try isolationFacts(of: spec).level }

    package func programs(of spec: MachineSpec) -> [MachineProgram] {
        [
            installation.emulator.map { MachineProgram($0.lastComponent?.string ?? "emulator", $0) },
            installation.virtiofsd.map { MachineProgram("virtiofsd", $0) },
        ].compactMap { $0 }
    }

    /// libvirt has a QEMU of its own choice; virtiofsd is started beside it.
    package func survey(_ request: SurveyRequest) -> BackendSurvey {
        var programs = [ProgramVersion.survey("virtiofsd", ["--version"], path: installation.requireVirtiofsd)]
        do {
            programs.append(SurveyedProgram(LibvirtInstallation.program, path: try installation.requireKeeper()))
        } catch {
            programs.append(SurveyedProgram(LibvirtInstallation.program, path: nil, problem: "\(error)"))
        }
        let problems = [installation.serverProblem].compactMap { $0 }
        let confinement = SurveyedConfinement(
            user: "one of its own for each machine", capabilities: "none", systemCalls: "filtered",
            namespaces: "those that libvirt gives it", limits: "those of libvirt", label: "libvirt's")
        do {
            let choice = try accelerators.choose(request.accelerator)
            return BackendSurvey(
                kind, isolation: choice.accelerator == .kvm ? .confined : .emulation, request, programs: programs,
                accelerator: choice, confinement: confinement, problems: problems,
                facts: IsolationFacts(virtualizationProblem: choice.emulationReason))
        } catch {
            return BackendSurvey(
                kind, programs: programs, confinement: confinement,
                problems: programs.compactMap(\.problem) + problems + ["\(error)"])
        }
    }

    package func launch(_ plan: LibvirtDomain) throws -> any Machine {
        try LibvirtLaunch(plan).run()
    }

    package func collect(_ remains: MachineRemains) throws {
        try LibvirtProcess.endAll(of: remains.name)
        try FileSystem.removeTree(LibvirtDomain.directory(of: remains.name))
    }
}
