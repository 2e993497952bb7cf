// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// The backends that are built in: the only place that names them.
package enum BackendRegistry {
    /// The backend of a kind, after looking at what this host has for it.
    ///
    /// - Parameters:
    ///   - binary: the hypervisor's program; nil for the one in the search path.
    ///   - programs: where the programs are that were installed with rkt.
    /// - Throws: `.notFound` when the named program is none.
    package static func hypervisor(
        _ kind: HypervisorKind, binary: FilePath? = nil, programs: FilePath? = nil
    ) throws -> any Hypervisor {
        if let binary { try requireProgram(binary) }
        return switch kind {
        case .qemu: QEMUHypervisor.probe(binary: binary)
        case .lkvm: LKVMHypervisor.probe(binary: binary)
        case .libvirt: LibvirtHypervisor.probe(emulator: binary, programs: programs)
        case .nspawn: NspawnHypervisor()
        case .fly: FlyHypervisor()
        }
    }

    /// What runs the pods of a stage1 image that does not say it.
    private static let standard = HypervisorKind.qemu

    /// The backend for a pod, by the name that its stage1 image gives and what is configured.
    ///
    /// The configuration counts for pods with a kernel of their own only: for others it is the image that says how they are
    /// run.
    ///
    /// - Parameter name: nil for an image that gives none.
    /// - Throws: `.unsupported` for a name that none has, or a configured backend whose pods have no kernel of their own.
    package static func hypervisor(
        named name: String?, choice: BackendChoice = BackendChoice()
    ) throws -> any Hypervisor {
        let kind = try name.map(Self.kind(named:)) ?? standard
        let named = try hypervisor(kind, programs: choice.programs)
        guard choice.kind != nil || choice.binary != nil else { return named }
        guard named.capabilities.contains(.ownKernel) else { return named }
        let chosen = try hypervisor(choice.kind ?? kind, binary: choice.binary, programs: choice.programs)
        guard chosen.capabilities.contains(.ownKernel) else {
            throw RuntimeError(
                .unsupported,
                "the configuration asks for the \(chosen.kind.rawValue) backend, whose pods have no kernel of their own, "
                    + "and this stage1 image brings one; use another stage1 image, or another \"backend\"")
        }
        return chosen
    }

    /// What this host can do for the pods of a stage1 image: by the backend that runs them, and by those that could be
    /// configured to.
    ///
    /// - Parameter name: nil for an image that gives none.
    /// - Throws: `.unsupported` for a name that none has.
    package static func survey(
        named name: String?, choice: BackendChoice, _ request: SurveyRequest
    ) throws -> [BackendSurvey] {
        let kind = try name.map(Self.kind(named:)) ?? standard
        let named = try hypervisor(kind)
        guard named.capabilities.contains(.ownKernel) else {
            var survey = named.survey(request)
            survey.isChosen = true
            return [survey]
        }
        let wanted = choice.kind ?? kind
        var chosen: BackendSurvey
        do {
            chosen = try hypervisor(named: name, choice: choice).survey(request)
        } catch {
            chosen = BackendSurvey(wanted, problems: ["\(error)"])
        }
        chosen.isChosen = true
        let others = try HypervisorKind.allCases.filter { $0 != wanted }.map {
            try hypervisor($0, programs: choice.programs)
        }
        return [chosen] + others.filter { $0.capabilities.contains(.ownKernel) }.map { $0.survey(request) }
    }

    private static func kind(named name: String) throws -> HypervisorKind {
        guard let kind = HypervisorKind(rawValue: name) else {
            let known = HypervisorKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw RuntimeError(.unsupported, "there is no hypervisor backend \"\(name)\"; this build has: \(known)")
        }
        return kind
    }

    private static func requireProgram(_ path: FilePath) throws {
        let status = try? FileSystem.status(path, followSymbolicLink: true)
        guard let status, status.type == .regular, status.mode & 0o111 != 0 else {
            throw RuntimeError(
                .notFound,
                "\"\(path)\", which the configuration names as \"binary\" of the hypervisor, is not a program; install it "
                    + "there, or leave the field out to have it looked for in PATH")
        }
    }
}
