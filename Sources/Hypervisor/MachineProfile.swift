// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

/// The machine type that a virtual machine presents to its guest.
package enum MachineProfile: String, Sendable, CaseIterable {
    /// A PCI Express PC with ACPI, the default on x86: devices are not limited to a few slots, it has hotplug, and its
    /// timers need no help under emulation.
    case q35
    /// A minimal machine of virtio-mmio devices: faster to boot by about 0.15 s, but it has 8 slots and no hotplug, and
    /// under emulation its guest hangs unless told the host's time stamp counter rate (`tsc_early_khz=`).
    case microvm
    /// The machine of 64-bit ARM guests, which is no real one: PCI Express, and a device tree.
    case virt

    /// What a machine is when nothing is configured.
    package static func standard(for architecture: GuestArchitecture) -> MachineProfile {
        switch architecture {
        case .x86_64: .q35
        case .aarch64: .virt
        }
    }
}
