// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import SystemPackage

/// A backend: turns a specification into a plan.
///
/// Planning is pure, so that what would be done can be compared and printed. Refinements say what executes a plan: a
/// `MachineHypervisor` launches a machine, a `DirectHypervisor` makes this process the app.
package protocol Hypervisor: Sendable {
    associatedtype Plan: Equatable & CustomStringConvertible

    var kind: HypervisorKind { get }
    var capabilities: HypervisorCapabilities { get }
    /// The ways of joining a network that can be planned.
    var acceptedAttachments: Set<NetworkAttachment.Kind> { get }

    /// What would be started for the specification.
    ///
    /// - Throws: `.unsupported` naming the field and the backend when the backend cannot do what is asked, `.notFound`
    ///   naming the package when a program is missing, `.invalidArgument` for a value out of range.
    func plan(for spec: MachineSpec) throws -> Plan

    /// What stands between the host and such a pod.
    ///
    /// - Throws: when it cannot be had at all.
    func isolation(of spec: MachineSpec) throws -> IsolationLevel

    /// The facts that the level follows from.
    ///
    /// - Throws: when it cannot be had at all.
    func isolationFacts(of spec: MachineSpec) throws -> IsolationFacts

    /// The programs of the host that such a pod's machine consists of, the hypervisor first; those that are missing are left
    /// out.
    func programs(of spec: MachineSpec) -> [MachineProgram]

    /// What it can do on this host, and what it lacks. Starts nothing but programs that are asked for their versions.
    func survey(_ request: SurveyRequest) -> BackendSurvey
}

/// A backend whose pods have a machine: processes beside the one that launches and supervises them.
package protocol MachineHypervisor: Hypervisor {
    /// Executes the plan. When it fails, nothing it started is left.
    func launch(_ plan: Plan) throws -> any Machine
}

extension Hypervisor {
    /// A backend that does not say more has not been looked at for it.
    package func isolation(of spec: MachineSpec) throws -> IsolationLevel {
        capabilities.contains(.ownKernel) ? .emulation : .chroot
    }

    /// A backend that tells its level only has what that says.
    package func isolationFacts(of spec: MachineSpec) throws -> IsolationFacts {
        IsolationFacts(try isolation(of: spec))
    }

    /// A backend that does not say more consists of nothing that could be measured.
    package func programs(of spec: MachineSpec) -> [MachineProgram] { [] }

    /// A backend that does not say more needs nothing.
    package func survey(_ request: SurveyRequest) -> BackendSurvey {
        BackendSurvey(
            kind, isolation: capabilities.contains(.ownKernel) ? .emulation : .chroot, request,
            confinement: SurveyedConfinement(
                user: "unknown", capabilities: "unknown", systemCalls: "unknown", namespaces: "unknown"))
    }

    /// Says, before anything is created, whether the specification can be launched here: it can be planned and the
    /// files it names exist.
    package func preflight(_ spec: MachineSpec) throws {
        _ = try plan(for: spec)
        try requireIsolation(of: spec)
        try spec.checkFiles()
    }

    /// Refuses a specification whose pod would be isolated by less than what is asked for.
    func requireIsolation(of spec: MachineSpec) throws {
        guard let least = spec.minimumIsolation else { return }
        let level = try isolation(of: spec)
        guard level < least else { return }
        throw RuntimeError(
            .unsupported,
            least.refusal(
                try isolationFacts(of: spec),
                "this one would be by \"\(level.rawValue)\" with the \(kind.rawValue) backend"))
    }
}

/// A program that a machine consists of.
package struct MachineProgram: Sendable, Equatable {
    package let name: String
    package let path: FilePath

    package init(_ name: String, _ path: FilePath) {
        self.name = name
        self.path = path
    }
}

extension MachineHypervisor {
    /// Plans and launches, showing the plan to `trace` in between.
    package func start(_ spec: MachineSpec, trace: (String) -> Void = { _ in }) throws -> any Machine {
        let plan = try plan(for: spec)
        try requireIsolation(of: spec)
        try spec.checkFiles()
        trace(plan.description)
        return try launch(plan)
    }
}
