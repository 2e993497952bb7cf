// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

extension QEMUHypervisor {
    package func plan(for spec: MachineSpec) throws -> QEMUCommandLine {
        try validate(spec)
        let (kernel, initrd) = try bundledKernel(of: spec)
        let emulator = try installation.requireEmulator()
        let accelerator = try accelerators.choose(spec.accelerator)
        let inherited = spec.inheritedDescriptors.map(\.rawValue)

        var descriptors: [QEMUDescriptor] = [.null, .log, .log]
        func number(_ descriptor: QEMUDescriptor) -> Int {
            descriptors.append(descriptor)
            return descriptors.count - 1
        }
        func stream(_ channel: QEMUChannel) -> QEMUCharacterDevice {
            QEMUCharacterDevice(id: channel.rawValue, descriptor: number(.channel(channel)))
        }

        let kernelFile = number(.readOnlyFile(kernel))
        let initrdFile = initrd.map { number(.readOnlyFile($0)) }
        let root = number(.readOnlyFile(try rootImage(of: spec)))
        let memory = QEMUMemory(size: spec.memory)
        var options: [any QEMUOption] = [
            QEMUDefaults(),
            QEMUIdentity(name: spec.name, uuid: spec.uuid),
            QEMUSandbox(),
            QEMUMachineType(memory: memory.id),
            QEMUAccelerator(accelerator: accelerator.accelerator),
            QEMUProcessors(count: spec.processors),
            memory,
            QEMUClock(),
            QEMUKernel(
                descriptor: kernelFile, initrd: initrdFile, commandLine: try spec.commandLine.rendered()),
            QEMUBlockDevice(id: "root", descriptor: root, set: 1),
            QEMUConsole(stream: stream(.console)),
            QEMUSerialPorts(ports: [(MachinePort.boot, stream(.boot)), (MachinePort.agent, stream(.agent))]),
            QEMUControl(stream: stream(.control)),
            QEMUEntropy(),
            QEMUBalloon(),
            QEMUPanicDevice(),
        ]

        var servers: [VirtiofsdCommandLine] = []
        for (index, share) in spec.shares.enumerated() {
            let id = "share\(index)"
            switch share {
            case .virtiofs(let tag, let source, let cache, let readOnly):
                let connection = QEMUCharacterDevice(id: id, descriptor: number(.shareServer(servers.count)))
                options.append(QEMUDeviceVirtiofs(tag: tag, stream: connection))
                servers.append(
                    VirtiofsdCommandLine(
                        program: try installation.requireVirtiofsd(), source: source, cache: cache,
                        readOnly: readOnly, inheritedDescriptors: inherited))
            case .plan9(let tag, let source, let readOnly):
                options.append(QEMUDevice9P(id: id, tag: tag, source: source, readOnly: readOnly))
            case .bind(let source, _, _, _):
                throw RuntimeError(
                    .unsupported,
                    "\(source) cannot be bound into a machine of the qemu backend; share it over 9p or virtiofs")
            }
        }
        for interface in spec.interfaces {
            let frames = number(.interface(interface.id, interface.descriptor.rawValue))
            options.append(QEMUNetworkDevice(interface: interface, descriptor: frames))
        }
        descriptors += inherited.map(QEMUDescriptor.inherited)

        return QEMUCommandLine(
            id: spec.uuid, program: emulator, arguments: options.flatMap(\.arguments), descriptors: descriptors,
            shareServers: servers, accelerator: accelerator,
            credentials: spec.user.map { QEMUCredentials(user: $0, shares: spec.shares) },
            workingDirectory: spec.workingDirectory, log: spec.log)
    }

    // MARK: - Refusals

    /// MiB; a kernel with its root unpacks and starts in this, and the text of the error is better than a panic.
    private static let leastMemory = 64
    /// What a q35 machine of QEMU 7.2 takes without an interrupt remapper.
    private static let mostProcessors = 255
    /// Bytes: what both take: virtiofs 36, 9p 31 (`MAX_TAG_LEN` of QEMU and a zero byte).
    private static let longestTag = 31

    private func validate(_ spec: MachineSpec) throws {
        guard acceptedAttachments.contains(spec.network.kind) else {
            throw RuntimeError(
                .unsupported,
                "network attachment \"\(spec.network.kind.rawValue)\" cannot be used with the qemu backend")
        }
        guard spec.profile == .q35 else {
            throw RuntimeError(
                .unsupported,
                "machine profile \"\(spec.profile.rawValue)\" cannot be used with the qemu backend; use \"q35\"")
        }
        guard spec.memory >= Self.leastMemory else {
            throw RuntimeError(
                .invalidArgument,
                "memory of \(spec.memory) MiB is too little for a virtual machine; it needs \(Self.leastMemory) MiB or more"
            )
        }
        guard (1...Self.mostProcessors).contains(spec.processors) else {
            throw RuntimeError(
                .invalidArgument,
                "\(spec.processors) virtual processors cannot be had; a machine has 1 to \(Self.mostProcessors)")
        }
        try validateShares(of: spec)
        try validateInterfaces(of: spec)
    }

    private func validateShares(of spec: MachineSpec) throws {
        var seen: Set<String> = []
        for share in spec.shares {
            if case .bind = share { continue }
            let tag = share.tag
            guard (1...Self.longestTag).contains(tag.utf8.count), tag.utf8.allSatisfy(Self.isTagByte) else {
                throw RuntimeError(
                    .invalidArgument,
                    "\"\(tag)\" is not a tag of a share; it has 1 to \(Self.longestTag) letters, digits, \"-\", \".\" or "
                        + "\"_\"")
            }
            guard seen.insert(tag).inserted else {
                throw RuntimeError(.invalidArgument, "two shares have the tag \"\(tag)\"")
            }
            guard share.source.isAbsolute else {
                throw RuntimeError(
                    .invalidArgument, "the source \"\(share.source)\" of share \"\(tag)\" is not absolute")
            }
        }
    }

    private func validateInterfaces(of spec: MachineSpec) throws {
        var ids: Set<String> = []
        var addresses: Set<HardwareAddress> = []
        guard spec.interfaces.count <= MachineInterface.most else {
            throw RuntimeError(
                .unsupported,
                "\(spec.interfaces.count) network interfaces cannot be had; a machine takes \(MachineInterface.most)")
        }
        for interface in spec.interfaces {
            try interface.validate()
            guard ids.insert(interface.id).inserted else {
                throw RuntimeError(.invalidArgument, "two network interfaces are called \"\(interface.id)\"")
            }
            guard addresses.insert(interface.hardwareAddress).inserted else {
                throw RuntimeError(
                    .invalidArgument,
                    "two network interfaces have the hardware address \(interface.hardwareAddress); the guest tells them "
                        + "apart by it")
            }
        }
    }

    private static func isTagByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private func bundledKernel(of spec: MachineSpec) throws -> (FilePath, initrd: FilePath?) {
        guard case .bundled(let path, let initrd) = spec.kernel else {
            throw RuntimeError(
                .unsupported, "the host's kernel cannot be used with the qemu backend; the stage1 has to bring one")
        }
        return (path, initrd)
    }

    private func rootImage(of spec: MachineSpec) throws -> FilePath {
        guard case .block(let path) = spec.root else {
            throw RuntimeError(
                .unsupported, "a directory as root cannot be used with the qemu backend; it takes an image")
        }
        return path
    }
}
