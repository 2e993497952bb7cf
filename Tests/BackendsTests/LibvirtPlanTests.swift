// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct LibvirtPlanTests {
    private static let emulated = LibvirtHypervisor(installation: .sample, accelerators: .none)
    private static let accelerated = LibvirtHypervisor(installation: .sample, accelerators: .kvm)

    private static func sample() -> MachineSpec {
        var spec = MachineSpec.sample()
        spec.user = 0x7000_0001
        return spec
    }

    private static let apps = Share.virtiofs(
        tag: "apps", source: "/pods/run/6733c088/stage1/rootfs/opt/stage2", cache: .always, readOnly: false)

    @Test func `emulation with one processor`() throws {
        try GoldenFile("libvirt/tcg").expect(Self.emulated.plan(for: Self.sample()).description)
    }

    @Test func `a kernel with modules`() throws {
        var spec = Self.sample()
        spec.kernel = .bundled("/stage1/bzImage", initrd: "/stage1/initrd")
        try GoldenFile("libvirt/initrd").expect(Self.emulated.plan(for: spec).description)
    }

    @Test func `KVM with four processors and an emulator of one's own`() throws {
        var spec = Self.sample()
        spec.processors = 4
        spec.memory = 2048
        let hypervisor = LibvirtHypervisor(
            installation: LibvirtInstallation(
                keeper: "/usr/libexec/rkt/libvirt-domain", emulator: "/opt/qemu & co/qemu-system-x86_64",
                virtiofsd: nil,
                accelerationGroup: 104),
            accelerators: .kvm)
        try GoldenFile("libvirt/kvm").expect(hypervisor.plan(for: spec).description)
    }

    @Test func `shares of which one is read-only, and the pod lock`() throws {
        var spec = Self.sample()
        spec.shares = [
            Self.apps,
            .virtiofs(tag: "volume-conf", source: "/pods/run/6733c088/volumes/0", cache: .auto, readOnly: true),
        ]
        spec.inheritedDescriptors = [FileDescriptor(rawValue: 17)]
        try GoldenFile("libvirt/shares").expect(Self.emulated.plan(for: spec).description)
    }

    @Test func `two network interfaces under KVM`() throws {
        var spec = Self.sample()
        spec.shares = [Self.apps]
        spec.interfaces = [.sample(0, descriptor: 21), .sample(1, mtu: 1400, descriptor: 23)]
        spec.inheritedDescriptors = [FileDescriptor(rawValue: 17)]
        try GoldenFile("libvirt/interfaces").expect(Self.accelerated.plan(for: spec).description)
    }

    @Test func `extra kernel parameters of the user`() throws {
        var spec = Self.sample()
        spec.commandLine = .standard(firstProgram: "/sbin/rkt-guest", verbose: true, architecture: .x86_64)
        try spec.commandLine.appendUserParameters(#"loglevel=7 dyndbg="file a,b.c +p" -- rescue"#)
        try GoldenFile("libvirt/extra-parameters").expect(Self.emulated.plan(for: spec).description)
    }

    @Test func `an ARM machine under emulation`() throws {
        var spec = MachineSpec.armSample()
        spec.user = 0x7000_0001
        try GoldenFile("libvirt/aarch64").expect(Self.emulated.plan(for: spec).description)
    }

    @Test func `another libvirt is named to the keeper`() throws {
        let installation = LibvirtInstallation(
            keeper: "/usr/libexec/rkt/libvirt-domain", virtiofsd: nil, address: "qemu+unix:///system?socket=/x")
        let plan = try LibvirtHypervisor(installation: installation, accelerators: .none).plan(for: Self.sample())
        #expect(plan.arguments == ["--connect", "qemu+unix:///system?socket=/x", "--name", "rkt-6733c088"])
    }

    @Test(arguments: [
        Refusal(.unsupported, "host's kernel") {
            $0.kernel = .host(FirstProgram(arguments: ["/init"], capabilities: 0))
        },
        Refusal(.unsupported, "directory as root") { $0.root = .directory("/") },
        Refusal(.unsupported, "\"namespace\" cannot be used with the libvirt backend") {
            $0.network = .namespace("/run/netns/x")
        },
        Refusal(.unsupported, "machine profile \"microvm\"") { $0.profile = .microvm },
        Refusal(.unsupported, "share \"data\" goes over 9p") {
            $0.shares = [.plan9(tag: "data", source: "/srv", readOnly: true)]
        },
        Refusal(.unsupported, "/run/socket cannot be bound into a machine of the libvirt backend") {
            $0.shares = [.bind(source: "/run/socket", target: "/socket", isRecursive: false, readOnly: false)]
        },
        Refusal(.notFound, "virtiofsd") {
            $0.shares = [.virtiofs(tag: "apps", source: "/srv", cache: .auto, readOnly: false)]
        },
        Refusal(.permissionDenied, "takes root") { $0.user = nil },
        Refusal(.invalidArgument, "cannot name a machine") { $0.name = "../x" },
        Refusal(.invalidArgument, "63 MiB") { $0.memory = 63 },
        Refusal(.invalidArgument, "256 virtual processors") { $0.processors = 256 },
    ])
    func `what cannot be had is refused, by name`(refusal: Refusal) {
        let bare = LibvirtHypervisor(
            installation: LibvirtInstallation(keeper: "/usr/libexec/rkt/libvirt-domain", virtiofsd: nil),
            accelerators: .none)
        var spec = Self.sample()
        refusal.change(&spec)
        let error = #expect(throws: RuntimeError.self) { try bare.plan(for: spec) }
        #expect(error?.code == refusal.code)
        #expect(error?.message.contains(refusal.text) == true, "\(String(describing: error))")
    }

    @Test func `a build without libvirt says so`() throws {
        let scratch = try ScratchDirectory()
        let installation = LibvirtInstallation.probe(programs: scratch.path)
        let error = #expect(throws: RuntimeError.self) {
            try LibvirtHypervisor(installation: installation, accelerators: .none).plan(for: Self.sample())
        }
        #expect(error?.code == .notFound)
        for word in ["libvirt-domain", "libvirt-dev", "\"backend\""] {
            #expect(error?.message.contains(word) == true, "\(String(describing: error))")
        }
        try FileSystem.write([], to: scratch.appending("libvirt-domain"), mode: 0o755)
        #expect(LibvirtInstallation.probe(programs: scratch.path).keeper == scratch.appending("libvirt-domain"))
    }

    @Test func `a machine under KVM is confined`() throws {
        #expect(try Self.accelerated.isolation(of: Self.sample()) == .confined)
        #expect(try Self.accelerated.plan(for: Self.sample()).requiresFilter)
        #expect(try Self.emulated.isolation(of: Self.sample()) == .emulation)
        #expect(try !Self.emulated.plan(for: Self.sample()).requiresFilter)
    }

    @Test func `what is left of no machine is collected, too`() throws {
        let remains = MachineRemains(name: "rkt-no-such-machine", workingDirectory: "/")
        try Self.emulated.collect(remains)
    }
}
