// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
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
            QEMUMachineType(
                memory: memory.id, architecture: spec.architecture, accelerator: accelerator.accelerator),
            QEMUAccelerator(accelerator: accelerator.accelerator, architecture: spec.architecture),
            QEMUProcessors(count: spec.processors),
            memory,
            QEMUClock(),
            QEMUKernel(
                descriptor: kernelFile, initrd: initrdFile, commandLine: try spec.commandLine.rendered()),
            QEMUBlockDevice(id: "root", descriptor: root, set: 1),
            QEMUConsole(stream: stream(.console), architecture: spec.architecture),
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
                        readOnly: readOnly))
            case .plan9(let tag, let source, let readOnly):
                options.append(QEMUDevice9P(id: id, tag: tag, source: source, readOnly: readOnly))
            case .bind(let source, _, _, _):
                throw refusal(ofBinding: source, instead: "9p or virtiofs")
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
            credentials: spec.user.map { MachineCredentials(user: $0, shares: spec.shares) },
            limits: MachineLimits.hypervisor(of: spec), label: spec.labels?.process(accelerator.accelerator),
            workingDirectory: spec.workingDirectory, log: spec.log)
    }

    /// What a q35 machine of QEMU 7.2 takes without an interrupt remapper; a virt machine takes more.
    private static let mostProcessors = 255

    private func validate(_ spec: MachineSpec) throws {
        try validate(spec, mostProcessors: Self.mostProcessors)
        let standard = MachineProfile.standard(for: spec.architecture)
        guard spec.profile == nil || spec.profile == standard else {
            throw RuntimeError(
                .unsupported,
                "machine profile \"\(spec.profile?.rawValue ?? "")\" cannot be used with the qemu backend; use "
                    + "\"\(standard.rawValue)\", or leave the configuration's \"profile\" out")
        }
    }
}
