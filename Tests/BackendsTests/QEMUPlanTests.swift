// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import Testing

struct QEMUPlanTests {
    private static let emulated = QEMUHypervisor(installation: .sample, accelerators: .none)

    @Test func `emulation with one processor`() throws {
        try GoldenFile("qemu/tcg").expect(Self.emulated.plan(for: .sample()).description)
    }

    @Test func `a kernel with modules`() throws {
        var spec = MachineSpec.sample()
        spec.kernel = .bundled("/stage1/bzImage", initrd: "/stage1/initrd")
        try GoldenFile("qemu/initrd").expect(Self.emulated.plan(for: spec).description)
    }

    @Test func `KVM with four processors`() throws {
        var spec = MachineSpec.sample()
        spec.processors = 4
        spec.memory = 2048
        spec.accelerator = .kvm
        let hypervisor = QEMUHypervisor(installation: .sample, accelerators: .kvm)
        try GoldenFile("qemu/kvm").expect(hypervisor.plan(for: spec).description)
    }

    @Test func `shares of both kinds, and the pod lock`() throws {
        var spec = MachineSpec.sample()
        spec.user = 0x7000_0001
        spec.shares = [
            .virtiofs(
                tag: "apps", source: "/pods/run/6733c088/stage1/rootfs/opt/stage2", cache: .auto, readOnly: false),
            .plan9(tag: "volume-data", source: "/srv/data", readOnly: false),
            .plan9(tag: "volume-conf", source: "/srv/a, b=c", readOnly: true),
            .virtiofs(tag: "volume-big", source: #"/srv/a,b\c"#, cache: .none, readOnly: true),
        ]
        spec.inheritedDescriptors = [FileDescriptor(rawValue: 17)]
        try GoldenFile("qemu/shares").expect(Self.emulated.plan(for: spec).description)
    }

    @Test func `one network interface under emulation`() throws {
        var spec = MachineSpec.sample()
        spec.interfaces = [.sample(0, descriptor: 21)]
        try GoldenFile("qemu/interface").expect(Self.emulated.plan(for: spec).description)
    }

    @Test func `three network interfaces under KVM, beside shares and the pod lock`() throws {
        var spec = MachineSpec.sample()
        spec.accelerator = .kvm
        spec.user = 0x7000_0001
        spec.shares = [
            .virtiofs(
                tag: "apps", source: "/pods/run/6733c088/stage1/rootfs/opt/stage2", cache: .always, readOnly: false)
        ]
        spec.interfaces = [
            .sample(0, descriptor: 21), .sample(1, mtu: 1400, descriptor: 23), .sample(2, mtu: 9000, descriptor: 22),
        ]
        spec.inheritedDescriptors = [FileDescriptor(rawValue: 17)]
        let hypervisor = QEMUHypervisor(installation: .sample, accelerators: .kvm)
        try GoldenFile("qemu/interfaces").expect(hypervisor.plan(for: spec).description)
    }

    @Test func `extra kernel parameters of the user`() throws {
        var spec = MachineSpec.sample()
        spec.accelerator = .tcg
        spec.commandLine = .standard(firstProgram: "/sbin/rkt-guest", verbose: true, architecture: .x86_64)
        try spec.commandLine.appendUserParameters(#"loglevel=7 dyndbg="file a,b.c +p" panic=10 -- rescue"#)
        try GoldenFile("qemu/extra-parameters").expect(Self.emulated.plan(for: spec).description)
    }

    @Test func `an ARM machine under emulation`() throws {
        let installation = QEMUInstallation(
            emulator: "/usr/bin/qemu-system-aarch64", virtiofsd: nil, architecture: .aarch64)
        let hypervisor = QEMUHypervisor(installation: installation, accelerators: .none)
        try GoldenFile("qemu/aarch64-tcg").expect(hypervisor.plan(for: .armSample()).description)
    }

    @Test func `an ARM machine under KVM, with a share, an interface and a user of its own`() throws {
        var spec = MachineSpec.armSample()
        spec.accelerator = .kvm
        spec.processors = 2
        spec.profile = .virt
        spec.user = 0x7000_0001
        spec.shares = [.virtiofs(tag: "apps", source: "/pods/run/6733c088/apps", cache: .always, readOnly: false)]
        spec.interfaces = [.sample(0, descriptor: 21)]
        let installation = QEMUInstallation(
            emulator: "/usr/bin/qemu-system-aarch64", virtiofsd: "/usr/libexec/virtiofsd", architecture: .aarch64)
        let hypervisor = QEMUHypervisor(installation: installation, accelerators: .kvm)
        try GoldenFile("qemu/aarch64-kvm").expect(hypervisor.plan(for: spec).description)
    }

    @Test func `how a machine is isolated depends on accelerator, user and shares`() throws {
        let accelerated = QEMUHypervisor(installation: .sample, accelerators: .kvm)
        var spec = MachineSpec.sample()
        #expect(try Self.emulated.isolation(of: spec) == .emulation)
        #expect(try accelerated.isolation(of: spec) == .virtualization)
        spec.user = 0x7000_0001
        #expect(try Self.emulated.isolation(of: spec) == .emulation)
        #expect(try accelerated.isolation(of: spec) == .confined)
        spec.shares.append(.plan9(tag: "volume", source: "/srv/volume", readOnly: true))
        #expect(try accelerated.isolation(of: spec) == .virtualization)
        spec.accelerator = .tcg
        #expect(try accelerated.isolation(of: spec) == .emulation)
    }

    @Test func `the emulator of another architecture is another package`() {
        let bare = QEMUHypervisor(
            installation: QEMUInstallation(emulator: nil, virtiofsd: nil, architecture: .aarch64), accelerators: .none)
        let error = #expect(throws: RuntimeError.self) { try bare.plan(for: .armSample()) }
        #expect(error?.message.contains("qemu-system-aarch64") == true)
        #expect(error?.message.contains("qemu-system-arm") == true)
    }

    @Test func `equal specifications have equal plans, others do not`() throws {
        var other = MachineSpec.sample()
        other.memory += 1
        let plan = try Self.emulated.plan(for: .sample())
        #expect(try Self.emulated.plan(for: .sample()) == plan)
        #expect(try Self.emulated.plan(for: other) != plan)
    }

    @Test(arguments: [
        Refusal(.unsupported, "host's kernel") {
            $0.kernel = .host(FirstProgram(arguments: ["/init"], capabilities: 0))
        },
        Refusal(.unsupported, "directory as root") { $0.root = .directory("/") },
        Refusal(.unsupported, "\"host\"") { $0.network = .host },
        Refusal(.unsupported, "\"namespace\"") { $0.network = .namespace("/run/netns/x") },
        Refusal(.invalidArgument, "MTU of 67") { $0.interfaces = [.sample(0, mtu: 67)] },
        Refusal(.invalidArgument, "MTU of 65536") { $0.interfaces = [.sample(0, mtu: 65_536)] },
        Refusal(.invalidArgument, "\"a,b\"") {
            $0.interfaces = [.sample(0)]
            $0.interfaces[0].id = "a,b"
        },
        Refusal(.invalidArgument, "two network interfaces are called \"eth0\"") {
            $0.interfaces = [.sample(0), .sample(1)]
            $0.interfaces[1].id = "eth0"
        },
        Refusal(.invalidArgument, "apart by it") {
            $0.interfaces = [.sample(0), .sample(1)]
            $0.interfaces[1].hardwareAddress = $0.interfaces[0].hardwareAddress
        },
        Refusal(.invalidArgument, "33:33:00:00:00:01") {
            $0.interfaces = [.sample(0)]
            if let multicast = HardwareAddress("33:33:00:00:00:01") { $0.interfaces[0].hardwareAddress = multicast }
        },
        Refusal(.unsupported, "17 network interfaces") {
            $0.interfaces = (0..<17).map { .sample(UInt8($0)) }
        },
        Refusal(.unsupported, "\"microvm\"") { $0.profile = .microvm },
        Refusal(.unsupported, "\"virt\"") { $0.profile = .virt },
        Refusal(.unsupported, "KVM") { $0.accelerator = .kvm },
        Refusal(.invalidArgument, "63 MiB") { $0.memory = 63 },
        Refusal(.invalidArgument, "0 virtual processors") { $0.processors = 0 },
        Refusal(.invalidArgument, "256 virtual processors") { $0.processors = 256 },
        Refusal(.invalidArgument, "two shares have the tag \"a\"") {
            $0.shares = [.plan9(tag: "a", source: "/", readOnly: true), .plan9(tag: "a", source: "/x", readOnly: true)]
        },
        Refusal(.invalidArgument, "\"a,b\"") { $0.shares = [.plan9(tag: "a,b", source: "/", readOnly: true)] },
        Refusal(.invalidArgument, "1 to 31") {
            $0.shares = [.plan9(tag: String(repeating: "t", count: 32), source: "/", readOnly: true)]
        },
        Refusal(.unsupported, "/run/socket cannot be bound into a machine of the qemu backend") {
            $0.shares = [.bind(source: "/run/socket", target: "/socket", isRecursive: false, readOnly: false)]
        },
        Refusal(.invalidArgument, "not absolute") { $0.shares = [.plan9(tag: "a", source: "x", readOnly: true)] },
        Refusal(.invalidArgument, "double quote") { $0.commandLine.append("a", "\"") },
    ])
    func `what cannot be had is refused, by name`(refusal: Refusal) {
        var spec = MachineSpec.sample()
        refusal.change(&spec)
        let error = #expect(throws: RuntimeError.self) { try Self.emulated.plan(for: spec) }
        #expect(error?.code == refusal.code)
        #expect(error?.message.contains(refusal.text) == true, "\(String(describing: error))")
    }

    @Test func `a missing program is refused with the package that has it`() {
        let bare = QEMUHypervisor(
            installation: QEMUInstallation(emulator: nil, virtiofsd: nil), accelerators: .none)
        let error = #expect(throws: RuntimeError.self) { try bare.plan(for: .sample()) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("qemu-system-x86") == true)
    }

    @Test func `virtiofsd is needed for a virtiofs share only`() throws {
        let hypervisor = QEMUHypervisor(
            installation: QEMUInstallation(emulator: "/usr/bin/qemu-system-x86_64", virtiofsd: nil), accelerators: .none
        )
        var spec = MachineSpec.sample()
        spec.shares = [.plan9(tag: "a", source: "/srv", readOnly: true)]
        _ = try hypervisor.plan(for: spec)
        spec.shares = [.virtiofs(tag: "a", source: "/srv", cache: .auto, readOnly: false)]
        let error = #expect(throws: RuntimeError.self) { try hypervisor.plan(for: spec) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("Debian package") == true)
    }
}

/// A change of the sample that a plan refuses, and how.
struct Refusal: Sendable, CustomTestStringConvertible {
    let code: RuntimeError.Code
    let text: String
    let change: @Sendable (inout MachineSpec) -> Void

    init(_ code: RuntimeError.Code, _ text: String, change: @escaping @Sendable (inout MachineSpec) -> Void) {
        self.code = code
        self.text = text
        self.change = change
    }

    var testDescription: String { text }
}
