// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform
import SystemPackage

/// A network interface of a machine.
package struct MachineInterface: Sendable, Equatable {
    /// Letters, digits, `-`, `.` and `_`, a letter first; unique within a machine.
    package var id: String
    /// By which the guest recognizes it; unique within a machine.
    package var hardwareAddress: HardwareAddress
    /// Largest packet in bytes, which the guest cannot exceed.
    package var mtu: UInt32
    /// An open tap or macvtap of this process that the hypervisor gets: frames with virtio headers.
    package var descriptor: FileDescriptor

    package init(id: String, hardwareAddress: HardwareAddress, mtu: UInt32, descriptor: FileDescriptor) {
        self.id = id
        self.hardwareAddress = hardwareAddress
        self.mtu = mtu
        self.descriptor = descriptor
    }

    /// More than a pod has networks.
    package static let most = 16
    /// What IPv4 needs, and what the virtio device can tell of.
    private static let mtus: ClosedRange<UInt32> = 68...65_535

    /// Refuses values that no machine can have.
    package func validate() throws {
        let letters = id.utf8.map { ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") }
        let others = id.utf8.map { $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f }
        guard letters.first == true, id.utf8.count <= 15, zip(letters, others).allSatisfy({ $0 || $1 }) else {
            throw RuntimeError(
                .invalidArgument,
                "\"\(id)\" cannot name a network interface of a machine; it has 1 to 15 letters, digits, \"-\", \".\" or "
                    + "\"_\", a letter first")
        }
        guard hardwareAddress.isStation else {
            throw RuntimeError(
                .invalidArgument, "network interface \"\(id)\" cannot have the hardware address \(hardwareAddress)")
        }
        guard Self.mtus.contains(mtu) else {
            throw RuntimeError(
                .invalidArgument,
                "network interface \"\(id)\" cannot have an MTU of \(mtu); it is \(Self.mtus.lowerBound) to "
                    + "\(Self.mtus.upperBound)")
        }
    }
}
