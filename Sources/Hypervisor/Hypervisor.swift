// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// A backend: turns a specification into a plan and a plan into a machine.
///
/// Planning is pure, so that what would be done can be compared and printed. Launching executes the plan.
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

    /// Executes the plan. When it fails, nothing it started is left.
    func launch(_ plan: Plan) throws -> any Machine
}

extension Hypervisor {
    /// Says, before anything is created, whether the specification can be launched here: it can be planned and the
    /// files it names exist.
    package func preflight(_ spec: MachineSpec) throws {
        _ = try plan(for: spec)
        try spec.checkFiles()
    }

    /// Plans and launches, showing the plan to `trace` in between.
    package func start(_ spec: MachineSpec, trace: (String) -> Void = { _ in }) throws -> any Machine {
        let plan = try plan(for: spec)
        try spec.checkFiles()
        trace(plan.description)
        return try launch(plan)
    }
}
