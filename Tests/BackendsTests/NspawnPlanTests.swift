// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import Testing

struct NspawnPlanTests {
    @Test func `a pod without networks`() throws {
        try GoldenFile("nspawn/pod").expect(NspawnHypervisor().plan(for: .container()).description)
    }

    @Test func `volumes, a lock and the host's network`() throws {
        var spec = MachineSpec.container()
        spec.network = .host
        spec.inheritedDescriptors = [FileDescriptor(rawValue: 17)]
        spec.shares += [
            .bind(source: "/srv/a:b\\c", target: "/run/rkt/volumes/0", isRecursive: true, readOnly: true),
            .bind(source: "/run/socket", target: "/run/rkt/volumes/1", isRecursive: false, readOnly: false),
        ]
        let plan = try NspawnHypervisor().plan(for: spec)
        try GoldenFile("nspawn/host-network").expect(plan.description)
        #expect(plan.inheritedDescriptors == [17])
    }

    @Test func `a pod with users of its own`() throws {
        var spec = MachineSpec.container()
        spec.users = UserRange(first: 655_360)
        spec.networkSettings = [.init(path: "net/core/somaxconn", value: "64")]
        let plan = try NspawnHypervisor().plan(for: spec)
        try GoldenFile("nspawn/private-users").expect(plan.description)
        #expect(plan.users == spec.users)
        // It may not enter the network by itself, nor change it, nor use it as root elsewhere may.
        #expect(plan.network?.namespace == "/var/run/netns/cni-6733c088")
        #expect(
            plan.network?.settings.map { "\($0.path)=\($0.value)" } == [
                "net/ipv4/ip_unprivileged_port_start=0", "net/ipv4/ping_group_range=655360 720895",
                "net/core/somaxconn=64",
            ])
        spec.network = .host
        #expect(try NspawnHypervisor().plan(for: spec).network == nil)
    }

    @Test func `containers are isolated as such, and no pod that wants more becomes one`() throws {
        var spec = MachineSpec.container()
        #expect(try NspawnHypervisor().isolation(of: spec) == .container)
        spec.minimumIsolation = .emulation
        let error = #expect(throws: RuntimeError.self) { try NspawnHypervisor().preflight(spec) }
        #expect(error?.code == .unsupported)
        for word in ["\"container\"", "\"emulation\"", "nspawn"] {
            #expect(error?.message.contains(word) == true, "\(String(describing: error))")
        }
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout MachineSpec) -> Void
        init(_ message: String, _ change: @escaping @Sendable (inout MachineSpec) -> Void) {
            testDescription = message
            self.change = change
        }
    }

    @Test(arguments: [
        Refusal("kernel") { $0.kernel = .bundled("/stage1/vmlinux") },
        Refusal("image") { $0.root = .block("/stage1/guest.erofs") },
        Refusal("interfaces") { $0.network = .interfaces([]) },
        Refusal("transport") { $0.shares = [.plan9(tag: "data", source: "/srv", readOnly: true)] },
    ])
    func `what a container cannot have is refused before anything is made`(refusal: Refusal) {
        var spec = MachineSpec.container()
        refusal.change(&spec)
        let error = #expect(throws: RuntimeError.self) { try NspawnHypervisor().plan(for: spec) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(refusal.testDescription) == true, "\(error?.message ?? "")")
    }
}

extension MachineSpec {
    /// A small container; tests change what they are about.
    static func container() -> MachineSpec {
        var spec = MachineSpec.sample()
        spec.kernel = .host(FirstProgram(arguments: ["/usr/lib/rkt/rkt-guest"], capabilities: 0x2001))
        spec.root = .directory("/stage1/guest")
        spec.shares = [
            .bind(
                source: "/pods/run/6733c088/stage1/rootfs/opt/stage2", target: "/opt/stage2", isRecursive: true,
                readOnly: false)
        ]
        spec.network = .namespace("/var/run/netns/cni-6733c088")
        return spec
    }
}
