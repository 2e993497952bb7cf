// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import SystemPackage

/// A machine in libvirt's words (its document "Domain XML format"), for libvirt 9.0 and QEMU 7.2 or newer.
struct LibvirtDescription {
    let spec: MachineSpec
    /// Where QEMU finds files and sockets.
    let directory: FilePath
    let hasInitrd: Bool
    let emulator: FilePath?
    let accelerator: Accelerator
    let user: UInt32
    let group: UInt32

    func element() throws -> XMLElement {
        XMLElement(
            "domain",
            [
                "type": accelerator == .kvm ? "kvm" : "qemu",
                "xmlns:qemu": "http://libvirt.org/schemas/domain/qemu/1.0",
            ],
            [
                XMLElement("name", text: spec.name),
                XMLElement("uuid", text: spec.uuid),
                // A core dump must not hold the guest's memory.
                XMLElement("memory", ["unit": "MiB", "dumpCore": "off"], text: "\(spec.memory)"),
                // What share servers map.
                XMLElement(
                    "memoryBacking", [:],
                    [XMLElement("source", ["type": "memfd"]), XMLElement("access", ["mode": "shared"])]),
                XMLElement("vcpu", text: "\(spec.processors)"),
                try boot,
                features,
                XMLElement(
                    "cpu", ["mode": accelerator == .kvm ? "host-passthrough" : "maximum"],
                    [XMLElement("topology", ["sockets": "1", "cores": "\(spec.processors)", "threads": "1"])]),
                XMLElement("clock", ["offset": "utc"]),
                XMLElement("on_poweroff", text: "destroy"),
                XMLElement("on_reboot", text: "destroy"),
                XMLElement("on_crash", text: "destroy"),
                devices,
                // The machine's own user. libvirt is to leave the owners of files alone.
                XMLElement(
                    "seclabel", ["type": "static", "model": "dac", "relabel": "no"],
                    [XMLElement("label", text: "+\(user):+\(group)")]),
                XMLElement(
                    "qemu:commandline", [:], ownArguments.map { XMLElement("qemu:arg", ["value": $0]) }),
            ])
    }

    private func path(_ name: String) -> String { directory.appending(name).string }

    private var boot: XMLElement {
        get throws {
            var parts = [
                XMLElement(
                    "type",
                    [
                        "arch": spec.architecture.rawValue,
                        "machine": MachineProfile.standard(for: spec.architecture).rawValue,
                    ], text: "hvm"),
                XMLElement("kernel", text: path("kernel")),
            ]
            if hasInitrd { parts.append(XMLElement("initrd", text: path("initrd"))) }
            parts.append(XMLElement("cmdline", text: try spec.commandLine.rendered()))
            return XMLElement("os", [:], parts)
        }
    }

    private var features: XMLElement {
        switch spec.architecture {
        case .x86_64:
            XMLElement(
                "features", [:],
                [XMLElement("acpi"), XMLElement("apic"), XMLElement("vmport", ["state": "off"])])
        // Without firmware there is a device tree in place of ACPI.
        case .aarch64:
            XMLElement("features", [:], [XMLElement("gic", ["version": accelerator == .kvm ? "host" : "3"])])
        }
    }

    private var devices: XMLElement {
        var devices: [XMLElement] = []
        if let emulator { devices.append(XMLElement("emulator", text: emulator.string)) }
        devices += [
            XMLElement("controller", ["type": "usb", "model": "none"]),
            XMLElement(
                "disk", ["type": "file", "device": "disk"],
                [
                    XMLElement("driver", ["name": "qemu", "type": "raw"]),
                    XMLElement("source", ["file": path("root")]),
                    XMLElement("target", ["dev": "vda", "bus": "virtio"]),
                    XMLElement("readonly"),
                ]),
            XMLElement("serial", ["type": "unix"], [stream(.console), serialPort]),
            channel(.boot, MachinePort.boot),
            channel(.agent, MachinePort.agent),
        ]
        devices += spec.shares.enumerated().map { index, share in
            XMLElement(
                "filesystem", ["type": "mount"],
                [
                    // The queue is as long as a server takes: 128 requests, the default, are soon in flight.
                    XMLElement("driver", ["type": "virtiofs", "queue": "1024"]),
                    XMLElement("source", ["socket": path(LibvirtDomain.socket(ofShare: index))]),
                    XMLElement("target", ["dir": share.tag]),
                ])
        }
        devices += [
            // The first program of a guest without one waits a second.
            XMLElement("rng", ["model": "virtio"], [XMLElement("backend", ["model": "builtin"])]),
            // It returns freed pages to the host, and gives way when the guest runs out of memory.
            XMLElement("memballoon", ["model": "virtio", "autodeflate": "on", "freePageReporting": "on"]),
        ]
        return XMLElement("devices", [:], devices)
    }

    private var serialPort: XMLElement {
        switch spec.architecture {
        case .x86_64: XMLElement("target", ["type": "isa-serial", "port": "0"])
        case .aarch64: XMLElement("target", ["type": "system-serial", "port": "0"])
        }
    }

    private func channel(_ channel: LibvirtChannel, _ port: String) -> XMLElement {
        XMLElement(
            "channel", ["type": "unix"], [stream(channel), XMLElement("target", ["type": "virtio", "name": port])])
    }

    private func stream(_ channel: LibvirtChannel) -> XMLElement {
        XMLElement("source", ["mode": "connect", "path": path(LibvirtDomain.socket(of: channel))])
    }

    /// Slots of the machine's bus, from the last one down: libvirt counts up, and gives out 0x1f itself.
    private static let panicSlot = 0x1e
    private static let lastInterfaceSlot = 0x1d

    /// What libvirt 9.0 has no words for: the panic device on the bus, and frames by way of a socket.
    private var ownArguments: [String] {
        var arguments = QEMUArgument(
            "-device", QEMUProperties("pvpanic-pci", ["bus": "pcie.0", "addr": Self.hex(Self.panicSlot)])
        ).words
        for (index, interface) in spec.interfaces.enumerated() {
            arguments +=
                QEMUArgument(
                    "-netdev",
                    QEMUProperties(
                        "stream",
                        [
                            "id": interface.id, "server": "off", "addr.type": "unix",
                            "addr.path": path(LibvirtDomain.socket(ofInterface: index)),
                        ])
                ).words
            arguments +=
                QEMUArgument(
                    "-device",
                    QEMUProperties(
                        "virtio-net-pci",
                        [
                            "netdev": interface.id, "mac": "\(interface.hardwareAddress)",
                            "host_mtu": "\(interface.mtu)",
                            // Nothing is booted from the network.
                            "romfile": "", "bus": "pcie.0", "addr": Self.hex(Self.lastInterfaceSlot - index),
                        ])
                ).words
        }
        return arguments
    }

    private static func hex(_ slot: Int) -> String { "0x" + String(slot, radix: 16) }
}
