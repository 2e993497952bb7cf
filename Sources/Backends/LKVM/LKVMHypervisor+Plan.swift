// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage

extension LKVMHypervisor {
    package func plan(for spec: MachineSpec) throws -> LKVMCommandLine {
        try validate(spec)
        let (kernel, initrd) = try bundledKernel(of: spec)
        let root = try rootImage(of: spec)
        let program = try installation.requireProgram()

        var descriptors: [LKVMDescriptor] = [.console, .console, .messages]
        func number(_ descriptor: LKVMDescriptor) -> Int {
            descriptors.append(descriptor)
            return descriptors.count - 1
        }
        // lkvm opens everything by its path, and the user it runs as cannot reach the pod's.
        func file(_ path: FilePath) -> String { "/proc/self/fd/\(number(.readOnlyFile(path)))" }

        var options = [
            // The name of its control socket; each machine has a home of its own.
            LKVMOption("--name", "rkt"),
            LKVMOption("--cpus", "\(spec.processors)"),
            LKVMOption("--mem", "\(spec.memory)"),
            LKVMOption("--console", "serial"),
            LKVMOption("--tty", "\(LKVMCommandLine.bootTerminal)"),
            LKVMOption("--tty", "\(LKVMCommandLine.agentTerminal)"),
            LKVMOption("--rng"),
            LKVMOption("--kernel", file(kernel)),
        ]
        if let initrd { options.append(LKVMOption("--initrd", file(initrd))) }
        options += [
            LKVMOption("--params", try parameters(spec)),
            LKVMOption("--disk", "\(file(root)),ro"),
        ]
        options += try spec.shares.map { LKVMOption("--9p", try served($0)) }
        // Without the switch lkvm adds an interface of its own, behind a network stack of its own.
        if spec.interfaces.isEmpty { options.append(LKVMOption("--network", "mode=none")) }
        for interface in spec.interfaces {
            let frames = number(.interface(interface.id, interface.descriptor.rawValue))
            options.append(
                LKVMOption(
                    "--network",
                    // With a path lkvm takes the device as it is. Otherwise it would attach it, and give it an address.
                    "mode=tap,fd=\(frames),tapif=/proc/self/fd/\(frames),guest_mac=\(interface.hardwareAddress)"))
        }
        descriptors += spec.inheritedDescriptors.map { .inherited($0.rawValue) }

        return LKVMCommandLine(
            id: spec.uuid, program: program, options: options, descriptors: descriptors,
            readOnlySources: spec.shares.filter(\.isReadOnly).map(\.source),
            credentials: spec.user.map { MachineCredentials(user: $0, shares: spec.shares) },
            limits: MachineLimits.hypervisor(of: spec), label: spec.labels?.process(.kvm),
            home: spec.workingDirectory.appending("lkvm"), log: spec.log)
    }

    /// What the kernel is booted with, and by which terminals the guest reaches its host.
    private func parameters(_ spec: MachineSpec) throws -> String {
        var line = spec.commandLine
        if spec.architecture == .aarch64 { line.append("console", "ttyS0") }
        line.append("8250.nr_uarts", "4")
        line.append(MachinePort.boot, "ttyS\(LKVMCommandLine.bootTerminal)")
        line.append(MachinePort.agent, "ttyS\(LKVMCommandLine.agentTerminal)")
        // The machine has nothing that powers it off.
        line.append(MachineEnd.parameter, MachineEnd.restart)
        let text = try line.rendered()
        guard text.utf8.count <= KernelCommandLine.maximumLength - Self.ownParameters else {
            throw RuntimeError(
                .invalidArgument,
                "the kernel command line has \(text.utf8.count) bytes and the lkvm backend takes "
                    + "\(KernelCommandLine.maximumLength - Self.ownParameters); shorten "
                    + "RKT_HYPERVISOR_EXTRA_KERNEL_PARAMS")
        }
        return text
    }

    private func served(_ share: Share) throws -> String {
        switch share {
        case .plan9(let tag, let source, _):
            guard !source.string.utf8.contains(UInt8(ascii: ",")) else {
                throw RuntimeError(
                    .unsupported,
                    "the source \"\(source)\" of share \"\(tag)\" holds a comma, which the lkvm backend cannot be told "
                        + "of; use a data directory without one")
            }
            return "\(source),\(tag)"
        case .virtiofs(let tag, _, _, _):
            throw RuntimeError(
                .unsupported,
                "share \"\(tag)\" goes over virtiofs, which the lkvm backend does not have; leave the configuration's "
                    + "\"volumes\" at \"9p\"")
        case .bind(let source, _, _, _):
            throw refusal(ofBinding: source, instead: "9p")
        }
    }

    // MARK: - Refusals

    /// Bytes that lkvm's own parameters before ours may take; it cuts off what is too long without a word.
    private static let ownParameters = 256
    /// lkvm itself takes what KVM does; its table of processors for the guest has room for these.
    private static let mostProcessors = 254

    private func validate(_ spec: MachineSpec) throws {
        try validate(spec, mostProcessors: Self.mostProcessors)
        if let profile = spec.profile {
            throw RuntimeError(
                .unsupported,
                "machine profile \"\(profile.rawValue)\" cannot be used with the lkvm backend, which has one machine only; "
                    + "leave the configuration's \"profile\" out")
        }
        guard spec.accelerator != .tcg else {
            throw RuntimeError(
                .unsupported,
                "accelerator \"\(spec.accelerator.rawValue)\" cannot be used with the lkvm backend: it runs by KVM only; "
                    + "use the accelerator \"auto\" or another \"backend\"")
        }
        if let problem = accelerators.problem {
            throw RuntimeError(
                .unsupported,
                "the lkvm backend runs by KVM only, which cannot be used: \(problem); use a backend that emulates, or "
                    + "enable virtualization in the firmware and load KVM")
        }
    }
}
