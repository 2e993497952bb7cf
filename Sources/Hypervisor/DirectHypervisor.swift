// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import LinuxPlatform
import SystemPackage

/// A backend without machines: the process that prepares a pod becomes its only app, and nothing is left beside it that
/// could supervise it.
package protocol DirectHypervisor: Hypervisor {
    /// Makes what the plan's program is to find; this process and what it starts have mounts of their own from then on.
    func prepare(_ plan: Plan) throws

    /// Becomes the plan's program, after `prepare`.
    func execute(_ plan: Plan) throws -> Never

    /// Becomes another program in an app's root, beside the one that runs there.
    ///
    /// - Parameters:
    ///   - root: the app's root directory, as in its specification.
    ///   - process: one that has the app's mounts; it is an error when it has ended, whoever has its number now.
    func enter(_ program: AppProgram, root: FilePath, beside process: ProcessIdentity) throws -> Never
}

extension DirectHypervisor {
    /// Plans, shows the plan to `trace`, and becomes the app.
    ///
    /// - Parameter prepared: called when the app can be entered, before it runs.
    package func become(
        _ spec: MachineSpec, trace: (String) -> Void = { _ in }, prepared: () throws -> Void
    ) throws -> Never {
        let plan = try plan(for: spec)
        try requireIsolation(of: spec)
        try spec.checkFiles()
        trace(plan.description)
        try prepare(plan)
        try prepared()
        try execute(plan)
    }
}
