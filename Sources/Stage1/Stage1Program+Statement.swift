// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

/// What the pod's record says of the machine that runs.
extension Stage1Program {
    /// Looks at the processes of a machine that was launched.
    ///
    /// - Parameter measured: the digests that were measured, if any were.
    /// - Throws: when the hypervisor was to be confined and is not: then the machine must not be told its pod.
    func look(
        at machine: any SupervisedMachine, _ plan: PodPlan, _ hypervisor: any Hypervisor, _ level: IsolationLevel,
        _ measured: MachineDigests?
    ) throws -> MachineStatement {
        var statement = MachineStatement()
        if let path = measured?.changedFile {
            throw RuntimeError(
                .invalidState, "\"\(path)\" changed after it was measured; the pod is not started; start it again")
        }
        // The guest boots meanwhile.
        statement.digests =
            measured
            ?? MachineDigests(of: plan.machine, hypervisor.programs(of: plan.machine), pod: pod)
        statement.digests?.version = machine.hypervisorVersion
        // A container's first process comes into being only now.
        guard hypervisor.capabilities.contains(.ownKernel) else {
            statement.exports = plan.exports
            return statement
        }
        do {
            guard let process = machine.confinedProcess else {
                throw RuntimeError(.notFound, "its process is not known")
            }
            statement.confinement = try MachineConfinement(of: process)
        } catch  where level != .confined || plan.machine.minimumIsolation != .confined {
            // The key has no value, and nobody has asked for what it would say.
        } catch {
            throw RuntimeError(
                .internal, "whether the hypervisor is \"\(level.rawValue)\" cannot be seen; the pod is not started",
                cause: error)
        }
        if level == .confined, let lacks = statement.confinement?.shortfall, !lacks.isEmpty {
            throw RuntimeError(
                .internal,
                "the hypervisor was to be \"\(level.rawValue)\" and is not: \(lacks.joined(separator: ", ")); the pod is "
                    + "not started")
        }
        statement.exports = plan.exports(servedBy: machine, statement.confinement)
        return statement
    }
}

extension MachineRecord {
    /// Looks at a container's first process, which is there when its agent is, and writes the record anew.
    func complete(_ machine: any SupervisedMachine, to path: FilePath, _ errors: ErrorStream) {
        var record = self
        do {
            guard let process = machine.confinedProcess else {
                throw RuntimeError(.notFound, "the container has no first process")
            }
            record.statement.confinement = try MachineConfinement(of: process)
            record.statement.root = "private"
            try record.write(to: path)
        } catch {
            errors.notice("stage1: warning: what confines the pod is not recorded: \(error)")
        }
    }
}
