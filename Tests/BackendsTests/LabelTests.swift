// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Backends
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Contexts of SELinux in plans: who gets which.
struct LabelTests {
    private static func labels(container: Bool = false) throws -> PodLabels {
        try PodLabels(
            parsing: container
                ? """
                categories=c3,c700
                process=system_u:system_r:container_t:s0:c3,c700
                emulated=system_u:system_r:container_t:s0:c3,c700
                file=system_u:object_r:container_file_t:s0:c3,c700
                """
                : """
                categories=c3,c700
                process=system_u:system_r:svirt_t:s0:c3,c700
                emulated=system_u:system_r:svirt_tcg_t:s0:c3,c700
                file=system_u:object_r:svirt_image_t:s0:c3,c700
                """)
    }

    @Test func `QEMU has the context of what executes its guest`() throws {
        var spec = MachineSpec.sample()
        spec.labels = try Self.labels()
        let emulated = try QEMUHypervisor(installation: .sample, accelerators: .none).plan(for: spec)
        try GoldenFile("qemu/labels").expect(emulated.description)
        spec.accelerator = .kvm
        let virtual = try QEMUHypervisor(installation: .sample, accelerators: .kvm).plan(for: spec)
        #expect(virtual.label?.description == "system_u:system_r:svirt_t:s0:c3,c700")
    }

    @Test func `lkvm has that of a machine`() throws {
        var spec = MachineSpec.sample()
        spec.kernel = .bundled("/stage1/vmlinuz")
        spec.labels = try Self.labels()
        let hypervisor = LKVMHypervisor(installation: .sample, accelerators: .kvm)
        try GoldenFile("lkvm/labels").expect(hypervisor.plan(for: spec).description)
    }

    @Test func `a container's processes and what is mounted for them have theirs`() throws {
        var spec = MachineSpec.container()
        spec.labels = try Self.labels(container: true)
        try GoldenFile("nspawn/labels").expect(NspawnHypervisor().plan(for: spec).description)
    }

    /// libvirt has contexts of its own, and an app without a machine is not confined.
    @Test func `who gives no contexts does not say so`() throws {
        for kind in HypervisorKind.allCases {
            let hypervisor = try BackendRegistry.hypervisor(kind)
            // A backend that is not installed has nothing to say.
            guard let confinement = hypervisor.survey(SurveyRequest()).confinement else { continue }
            let gives = confinement.label == SurveyedConfinement.ownLabel
            #expect(gives == hypervisor.capabilities.contains(.labels), "\(kind)")
        }
    }
}
