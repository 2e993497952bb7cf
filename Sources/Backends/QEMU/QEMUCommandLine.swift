// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import LinuxPlatform
import SystemPackage

/// The plan of a QEMU machine: what is executed, with which descriptors, beside which share servers.
package struct QEMUCommandLine: Sendable, Equatable {
    /// The pod's UUID.
    package let id: String
    package let program: FilePath
    package let arguments: [QEMUArgument]
    /// Element N becomes descriptor N of QEMU.
    package let descriptors: [QEMUDescriptor]
    /// The processes QEMU is connected to; started before it.
    package let shareServers: [VirtiofsdCommandLine]
    package let accelerator: AcceleratorChoice
    package let credentials: MachineCredentials?
    /// QEMU's.
    package let limits: [ResourceLimit]
    /// QEMU's context of SELinux; nil for the one that the host gives it.
    package let label: SELinuxContext?
    package let workingDirectory: FilePath
    package let log: FilePath

    /// The argument vector, the program's own name first.
    package var words: [String] { [program.string] + arguments.flatMap(\.words) }
}

extension QEMUCommandLine: CustomStringConvertible {
    /// One switch a line, then the descriptors, then the share servers.
    package var description: String {
        var lines = [program.string] + arguments.map { "    \($0)" }
        lines.append("descriptors")
        lines += descriptors.enumerated().map { "    \($0.offset): \($0.element)" }
        for (index, server) in shareServers.enumerated() {
            lines.append("virtiofsd \(index)")
            lines += server.description.split(separator: "\n").map { "    \($0)" }
        }
        lines.append("accelerator: \(accelerator.accelerator.rawValue)")
        if let reason = accelerator.fallbackReason { lines.append("fallback: \(reason)") }
        if let credentials { lines.append("\(credentials)") }
        lines.append(MachineLimits.line(limits))
        if let label { lines.append("context: \(label)") }
        lines.append("working directory: \(workingDirectory)")
        lines.append("log: \(log)")
        return lines.joined(separator: "\n") + "\n"
    }
}
