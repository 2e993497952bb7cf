// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import SystemPackage

extension LibvirtHypervisor {
    package func plan(for spec: MachineSpec) throws -> LibvirtDomain {
        let user = try validate(spec)
        let (kernel, initrd) = try bundledKernel(of: spec)
        let keeper = try installation.requireKeeper()
        let accelerator = try accelerators.choose(spec.accelerator)
        let inherited = spec.inheritedDescriptors.map(\.rawValue)
        let directory = LibvirtDomain.directory(of: spec.name)

        var copies = [LibvirtDomain.Copy(source: kernel, name: "kernel")]
        if let initrd { copies.append(.init(source: initrd, name: "initrd")) }
        copies.append(.init(source: try rootImage(of: spec), name: "root"))

        var servers: [VirtiofsdCommandLine] = []
        for share in spec.shares { servers.append(try server(share)) }
        var descriptors: [LibvirtDescriptor] = []
        let address = installation.address ?? LibvirtInstallation.system
        var arguments = ["--connect", address, "--name", spec.name]
        for (index, interface) in spec.interfaces.enumerated() {
            let number = descriptors.count + LibvirtDomain.firstDescriptor
            arguments += ["--interface", "\(number):\(number + 1)"]
            descriptors += [.frames(interface.id, interface.descriptor.rawValue), .listener(index)]
        }
        descriptors += inherited.map(LibvirtDescriptor.inherited)

        let description = LibvirtDescription(
            spec: spec, directory: directory, hasInitrd: initrd != nil, emulator: installation.emulator,
            accelerator: accelerator.accelerator, user: user, group: group(for: accelerator.accelerator, user))
        return LibvirtDomain(
            id: spec.uuid, name: spec.name, xml: try description.element().rendered(), keeper: keeper,
            arguments: arguments, descriptors: descriptors, copies: copies, channels: LibvirtChannel.allCases,
            shareServers: servers, accelerator: accelerator, user: user,
            requiresFilter: try isolation(of: spec) == .confined, workingDirectory: spec.workingDirectory, log: spec.log
        )
    }

    private func server(_ share: Share) throws -> VirtiofsdCommandLine {
        switch share {
        case .virtiofs(_, let source, let cache, let readOnly):
            let qemu = QEMUInstallation(emulator: nil, virtiofsd: installation.virtiofsd)
            return VirtiofsdCommandLine(
                program: try qemu.requireVirtiofsd(), source: source, cache: cache, readOnly: readOnly)
        case .plan9(let tag, _, _):
            throw RuntimeError(
                .unsupported,
                "share \"\(tag)\" goes over 9p, which the libvirt backend does not have: its machines cannot read files of "
                    + "root; leave the configuration's \"volumes\" out, or set it to \"virtiofs\"")
        case .bind(let source, _, _, _):
            throw refusal(ofBinding: source, instead: "virtiofs")
        }
    }

    /// The device that hardware virtualization takes is open to a group.
    private func group(for accelerator: Accelerator, _ user: UInt32) -> UInt32 {
        accelerator == .kvm ? installation.accelerationGroup ?? user : user
    }

    /// What a q35 machine of QEMU 7.2 takes without an interrupt remapper.
    private static let mostProcessors = 255

    /// - Returns: the machine's user.
    private func validate(_ spec: MachineSpec) throws -> UInt32 {
        try validate(spec, mostProcessors: Self.mostProcessors)
        let standard = MachineProfile.standard(for: spec.architecture)
        guard spec.profile == nil || spec.profile == standard else {
            throw RuntimeError(
                .unsupported,
                "machine profile \"\(spec.profile?.rawValue ?? "")\" cannot be used with the libvirt backend; use "
                    + "\"\(standard.rawValue)\", or leave the configuration's \"profile\" out")
        }
        // It becomes part of paths.
        guard !spec.name.isEmpty, !spec.name.hasPrefix("."), !spec.name.utf8.contains(UInt8(ascii: "/")) else {
            throw RuntimeError(.invalidArgument, "\"\(spec.name)\" cannot name a machine of the libvirt backend")
        }
        guard let user = spec.user else {
            throw RuntimeError(
                .permissionDenied, "the libvirt backend gives each machine a user of its own, which takes root")
        }
        return user
    }
}
