// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor

/// `-netdev tap` over an open tap or macvtap, and `virtio-net-pci`.
struct QEMUNetworkDevice: QEMUOption {
    let interface: MachineInterface
    /// The tap's number in QEMU.
    let descriptor: Int

    var arguments: [QEMUArgument] {
        [
            QEMUArgument("-netdev", QEMUProperties("tap", ["id": interface.id, "fd": "\(descriptor)"])),
            QEMUArgument(
                "-device",
                QEMUProperties(
                    "virtio-net-pci",
                    [
                        "netdev": interface.id, "mac": "\(interface.hardwareAddress)", "host_mtu": "\(interface.mtu)",
                        // Nothing is booted from the network.
                        "romfile": "",
                    ])),
        ]
    }
}
