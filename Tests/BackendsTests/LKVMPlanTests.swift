// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import Testing

struct LKVMPlanTests {
    private static let hypervisor = LKVMHypervisor(installation: .sample, accelerators: .kvm)

    private static func sample() -> MachineSpec {
        var spec = MachineSpec.sample()
        spec.kernel = .bundled("/stage1/vmlinuz")
        return spec
    }

    @Test func `a machine with nothing but its root`() throws {
        try GoldenFile("lkvm/bare").expect(Self.hypervisor.plan(for: Self.sample()).description)
    }

    @Test func `a kernel with modules`() throws {
        var spec = Self.sample()
        spec.kernel = .bundled("/stage1/bzImage", initrd: "/stage1/initrd")
        try GoldenFile("lkvm/initrd").expect(Self.hypervisor.plan(for: spec).description)
    }

    @Test func `shares of which one is read-only, and the pod lock`() throws {
        var spec = Self.sample()
        spec.processors = 4
        spec.memory = 2048
        spec.user = 0x7000_0001
        spec.shares = [
            .plan9(tag: "apps", source: "/pods/run/6733c088/stage1/rootfs/opt/stage2", readOnly: false),
            .plan9(tag: "volume-conf", source: "/pods/run/6733c088/volumes/0", readOnly: true),
            .plan9(tag: "volume-data", source: "/pods/run/6733c088/volumes/1", readOnly: true),
        ]
        spec.inheritedDescriptors = [FileDescriptor(rawValue: 17)]
        try GoldenFile("lkvm/shares").expect(Self.hypervisor.plan(for: spec).description)
    }

    @Test func `two network interfaces`() throws {
        var spec = Self.sample()
        spec.user = 0x7000_0001
        spec.interfaces = [.sample(0, descriptor: 21), .sample(1, mtu: 1400, descriptor: 23)]
        spec.inheritedDescriptors = [FileDescriptor(rawValue: 17)]
        try GoldenFile("lkvm/interfaces").expect(Self.hypervisor.plan(for: spec).description)
    }

    @Test func `the user's kernel parameters come last`() throws {
        var spec = Self.sample()
        spec.commandLine = .standard(firstProgram: "/sbin/rkt-guest", verbose: true, architecture: .x86_64)
        try spec.commandLine.appendUserParameters(#"loglevel=7 dyndbg="file a,b.c +p" -- rescue"#)
        try GoldenFile("lkvm/extra-parameters").expect(Self.hypervisor.plan(for: spec).description)
    }

    @Test func `an ARM machine has its console elsewhere`() throws {
        var spec = MachineSpec.armSample()
        spec.accelerator = .kvm
        try GoldenFile("lkvm/aarch64").expect(Self.hypervisor.plan(for: spec).description)
    }

    @Test(arguments: [
        Refusal(.unsupported, "host's kernel") {
            $0.kernel = .host(FirstProgram(arguments: ["/init"], capabilities: 0))
        },
        Refusal(.unsupported, "directory as root") { $0.root = .directory("/") },
        Refusal(.unsupported, "\"namespace\" cannot be used with the lkvm backend") {
            $0.network = .namespace("/run/netns/x")
        },
        Refusal(.unsupported, "accelerator \"tcg\"") { $0.accelerator = .tcg },
        Refusal(.unsupported, "machine profile \"q35\"") { $0.profile = .q35 },
        Refusal(.unsupported, "share \"apps\" goes over virtiofs") {
            $0.shares = [.virtiofs(tag: "apps", source: "/srv", cache: .auto, readOnly: false)]
        },
        Refusal(.unsupported, "/run/socket cannot be bound into a machine of the lkvm backend; share it over 9p") {
            $0.shares = [.bind(source: "/run/socket", target: "/socket", isRecursive: false, readOnly: false)]
        },
        Refusal(.unsupported, "\"/srv/a,b\"") { $0.shares = [.plan9(tag: "a", source: "/srv/a,b", readOnly: false)] },
        Refusal(.invalidArgument, "two shares have the tag \"a\"") {
            $0.shares = [.plan9(tag: "a", source: "/", readOnly: true), .plan9(tag: "a", source: "/x", readOnly: true)]
        },
        Refusal(.invalidArgument, "MTU of 67") { $0.interfaces = [.sample(0, mtu: 67)] },
        Refusal(.invalidArgument, "63 MiB") { $0.memory = 63 },
        Refusal(.invalidArgument, "255 virtual processors") { $0.processors = 255 },
        Refusal(.invalidArgument, "1791") { $0.commandLine.append("a", String(repeating: "x", count: 1700)) },
    ])
    func `what cannot be had is refused, by name`(refusal: Refusal) {
        var spec = Self.sample()
        refusal.change(&spec)
        let error = #expect(throws: RuntimeError.self) { try Self.hypervisor.plan(for: spec) }
        #expect(error?.code == refusal.code)
        #expect(error?.message.contains(refusal.text) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        (AcceleratorFacts.none, "/dev/kvm"),
        (AcceleratorFacts(deviceProblem: nil, processorVirtualizes: false), "neither vmx nor svm"),
    ])
    func `without KVM there is no machine, and the reason is told`(facts: AcceleratorFacts, reason: String) {
        let hypervisor = LKVMHypervisor(installation: .sample, accelerators: facts)
        let error = #expect(throws: RuntimeError.self) { try hypervisor.plan(for: Self.sample()) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(reason) == true)
    }

    @Test func `a missing program is refused with where to get it`() {
        let bare = LKVMHypervisor(installation: LKVMInstallation(program: nil), accelerators: .kvm)
        let error = #expect(throws: RuntimeError.self) { try bare.plan(for: Self.sample()) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("kvmtool") == true)
        #expect(error?.message.contains("\"binary\"") == true)
    }

    @Test func `no pod that must be confined runs on it`() throws {
        var spec = Self.sample()
        spec.user = 0x7000_0001
        spec.minimumIsolation = .virtualization
        // Nothing it names exists: what is refused first tells that the isolation suffices.
        let missing = #expect(throws: RuntimeError.self) { try Self.hypervisor.preflight(spec) }
        #expect(missing?.code == .notFound)
        spec.minimumIsolation = .confined
        let error = #expect(throws: RuntimeError.self) { try Self.hypervisor.preflight(spec) }
        #expect(error?.code == .unsupported)
        for word in ["\"confined\"", "\"virtualization\"", "lkvm", "minimumIsolation"] {
            #expect(error?.message.contains(word) == true, "\(String(describing: error))")
        }
    }

    @Test(
        arguments: [
            ("  Info: Assigned terminal 1 to pty /dev/pts/5\n", [1: "/dev/pts/5"]),
            (
                " Info: Assigned terminal 1 to pty /dev/pts/5\r\n\n  # lkvm run\nAssigned terminal 3 to pty /dev/pts/12\n",
                [1: "/dev/pts/5", 3: "/dev/pts/12"]
            ),
            // The second is the guest's.
            (
                "Info: Assigned terminal 1 to pty /dev/pts/5\r\nInfo: Assigned terminal 1 to pty /dev/pts/6\r\n",
                [1: "/dev/pts/5"]
            ),
            ("Assigned terminal 1 to pty /dev/pts/5", [:]),
            ("Assigned terminal one to pty /dev/pts/5\n", [:]),
            ("Assigned terminal 1 to pty /dev/pts/../sda\n", [:]),
            ("Assigned terminal 1 to pty /dev/pts/\n", [:]),
            ("Assigned terminal 1 to pty /dev/sda\n", [:]),
            ("", [:]),
        ] as [(String, [Int: String])])
    func `terminals are known by what lkvm says of them`(text: String, expected: [Int: String]) {
        #expect(LKVMTerminals.paths(in: Array(text.utf8)).mapValues(\.string) == expected)
    }
}
