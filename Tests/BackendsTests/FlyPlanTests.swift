// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Diagnostics
import Hypervisor
import LinuxPlatform
import SystemPackage
import Testing

struct FlyPlanTests {
    @Test func `an app and the pod's lock`() throws {
        let plan = try FlyHypervisor().plan(for: .app())
        try GoldenFile("fly/app").expect(plan.description)
        #expect(plan.inheritedDescriptors == [17])
    }

    @Test func `volumes, files of the pod, a user and what nobody reads`() throws {
        var spec = MachineSpec.app { program in
            program.user = ProgramUser(uid: 1000, gid: 100, supplementaryGIDs: [7, 8])
            program.workingDirectory = "/work"
            program.noNewPrivileges = true
            program.hasReadOnlyRoot = true
            program.nullDescriptors = [0, 2]
        }
        spec.shares = [
            .bind(source: "/srv/data", target: "/data", isRecursive: true, readOnly: true),
            .bind(source: "/srv/other", target: "/sys", isRecursive: false, readOnly: false),
            .bind(
                source: "/pods/run/6733c088/stage1/rootfs/opt/stage2/.volumes/0-t", target: "/tmp", isRecursive: false,
                readOnly: false),
            .bind(
                source: "/pods/run/6733c088/stage1/rootfs/rkt/files/0", target: "/etc/resolv.conf", isRecursive: false,
                readOnly: true),
        ]
        try GoldenFile("fly/volumes").expect(FlyHypervisor().plan(for: spec).description)
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
        Refusal("kernel") { $0.kernel = .host(FirstProgram(arguments: ["/init"], capabilities: 0)) },
        Refusal("image") { $0.root = .block("/stage1/guest.erofs") },
        Refusal("interfaces") { $0.network = .interfaces([]) },
        Refusal("namespace") { $0.network = .namespace("/var/run/netns/cni-6733c088") },
        Refusal("transport") { $0.shares = [.plan9(tag: "data", source: "/srv", readOnly: true)] },
    ])
    func `what a lone app cannot have is refused before anything is made`(refusal: Refusal) {
        var spec = MachineSpec.app()
        refusal.change(&spec)
        let error = #expect(throws: RuntimeError.self) { try FlyHypervisor().plan(for: spec) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(refusal.testDescription) == true, "\(error?.message ?? "")")
    }

    @Test func `other backends refuse a lone app`() {
        let others: [any Hypervisor] = [
            QEMUHypervisor(installation: .sample, accelerators: .kvm),
            LKVMHypervisor(installation: .sample, accelerators: .kvm), NspawnHypervisor(),
        ]
        for hypervisor in others {
            var spec = MachineSpec.app()
            if !hypervisor.acceptedAttachments.contains(.host) { spec.network = .interfaces([]) }
            let error = #expect(throws: RuntimeError.self) { try hypervisor.preflight(spec) }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains("kernel") == true, "\(error?.message ?? "")")
        }
    }

    @Test func `an app is isolated by its root only, and is not started where more is wanted`() throws {
        var spec = MachineSpec.app()
        #expect(try FlyHypervisor().isolation(of: spec) == .chroot)
        spec.minimumIsolation = .container
        let errors = [
            #expect(throws: RuntimeError.self) { try FlyHypervisor().preflight(spec) },
            #expect(throws: RuntimeError.self) { try become(spec) },
        ]
        for error in errors {
            #expect(error?.code == .unsupported)
            for word in ["\"chroot\"", "\"container\"", "fly"] {
                #expect(error?.message.contains(word) == true, "\(String(describing: error))")
            }
        }
    }

    /// Throws in any case: the files that the specification names do not exist.
    private func become(_ spec: MachineSpec) throws {
        try FlyHypervisor().become(spec, prepared: {})
    }

    @Test func `the registry knows it, and that nothing supervises its pods`() throws {
        let hypervisor = try BackendRegistry.hypervisor(named: "fly")
        #expect(hypervisor is any DirectHypervisor)
        for kind in HypervisorKind.allCases {
            let hypervisor = try BackendRegistry.hypervisor(kind)
            #expect(hypervisor.kind == kind)
            #expect(hypervisor.capabilities.contains(.agent) == (hypervisor is any MachineHypervisor))
        }
    }
}

extension MachineSpec {
    /// A small app; tests change what they are about.
    fileprivate static func app(_ change: (inout AppProgram) -> Void = { _ in }) -> MachineSpec {
        var program = AppProgram(
            arguments: ["/bin/sh", "-c", "echo hi"], environment: ["PATH=/bin", "AC_APP_NAME=a"], user: ProgramUser())
        change(&program)
        var spec = MachineSpec.sample()
        spec.kernel = .direct(program)
        spec.root = .directory("/pods/run/6733c088/stage1/rootfs/opt/stage2/a/rootfs")
        spec.network = .host
        spec.inheritedDescriptors = [FileDescriptor(rawValue: 17)]
        return spec
    }
}
