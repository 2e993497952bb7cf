// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Hypervisor
import LinuxPlatform
import SystemPackage

extension MachineSpec {
    /// A small machine; tests change what they are about.
    static func sample() -> MachineSpec {
        MachineSpec(
            name: "rkt-6733c088", uuid: "6733c088-a507-4694-aabf-eda1cf9aee7c", memory: 256, processors: 1,
            kernel: .bundled("/stage1/vmlinux"),
            commandLine: .standard(firstProgram: "/sbin/rkt-guest", architecture: .x86_64),
            root: .block("/stage1/guest.erofs"), architecture: .x86_64, workingDirectory: "/pods/run/6733c088",
            log: "/pods/run/6733c088/machine.log")
    }

    /// The same for an ARM host.
    static func armSample() -> MachineSpec {
        var spec = sample()
        spec.architecture = .aarch64
        spec.kernel = .bundled("/stage1/Image")
        spec.commandLine = .standard(firstProgram: "/sbin/rkt-guest", architecture: .aarch64)
        return spec
    }
}

extension MachineInterface {
    /// The interface with a number that its hardware address ends in.
    static func sample(_ number: UInt8, mtu: UInt32 = 1500, descriptor: Int32 = 3) -> MachineInterface {
        MachineInterface(
            id: "eth\(number)", hardwareAddress: HardwareAddress(bytes: [2, 0, 0, 0, 0, number]) ?? .random(), mtu: mtu,
            descriptor: FileDescriptor(rawValue: descriptor))
    }
}

extension QEMUInstallation {
    /// Where Debian 12 has the programs.
    static let sample = QEMUInstallation(
        emulator: "/usr/bin/qemu-system-x86_64", virtiofsd: "/usr/lib/qemu/virtiofsd")
}

extension LKVMInstallation {
    /// Where its own makefile installs it.
    static let sample = LKVMInstallation(program: "/usr/local/bin/lkvm")
}

extension LibvirtInstallation {
    /// Where Debian 12 has the programs.
    static let sample = LibvirtInstallation(
        keeper: "/usr/libexec/rkt/libvirt-domain", virtiofsd: "/usr/lib/qemu/virtiofsd")
}

extension AcceleratorFacts {
    static let kvm = AcceleratorFacts(deviceProblem: nil, processorVirtualizes: true)
    static let none = AcceleratorFacts(
        deviceProblem: "cannot open /dev/kvm: No such file or directory", processorVirtualizes: false)
}
