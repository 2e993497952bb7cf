// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import LinuxPlatform
import SystemPackage

/// Who a hypervisor is for the host's kernel: a user of its own, with no capability but those that its shares need.
package struct MachineCredentials: Sendable, Equatable, CustomStringConvertible {
    package let user: UInt32
    /// Bit N is capability N of capabilities(7).
    package let capabilities: UInt64

    /// What serving files in the name of any user takes.
    private static let forShares: [(number: UInt64, name: String)] = [
        (0, "CAP_CHOWN"), (1, "CAP_DAC_OVERRIDE"), (2, "CAP_DAC_READ_SEARCH"), (3, "CAP_FOWNER"), (4, "CAP_FSETID"),
        (27, "CAP_MKNOD"), (31, "CAP_SETFCAP"),
    ]

    init(user: UInt32, shares: [Share]) {
        self.user = user
        let servesFiles = shares.contains { if case .plan9 = $0 { true } else { false } }
        capabilities = servesFiles ? Self.forShares.reduce(0) { $0 | 1 << $1.number } : 0
    }

    package var description: String {
        let names = Self.forShares.filter { capabilities & (1 << $0.number) != 0 }.map(\.name)
        return "user: \(user)\ncapabilities: \(names.isEmpty ? "none" : names.joined(separator: " "))"
    }

    /// The device that hardware virtualization takes is open to a group.
    func spawned(accelerator: Accelerator) -> SpawnRequest.Credentials {
        var groups: [UInt32] = []
        if accelerator == .kvm, let status = try? FileSystem.status("/dev/kvm") { groups = [status.gid] }
        return SpawnRequest.Credentials(uid: user, gid: user, groups: groups, capabilities: capabilities)
    }
}
