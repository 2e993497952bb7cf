// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import PodStore
import SystemPackage
import TestSupport
import Testing

/// Contexts of SELinux that were chosen before stage1 was started.
struct LabelPlanTests {
    private static let record = """
        categories=c3,c700
        process=system_u:system_r:svirt_t:s0:c3,c700
        emulated=system_u:system_r:svirt_tcg_t:s0:c3,c700
        file=system_u:object_r:svirt_image_t:s0:c3,c700

        """
    private static let machine: HypervisorCapabilities = [.ownKernel, .virtiofs, .executableKernel, .agent]

    @Test(arguments: [machine, [.agent]] as [HypervisorCapabilities])
    func machinesHaveThoseOfTheirPodWhereTheyTakeThem(capabilities: HypervisorCapabilities) throws {
        let pod = try PlannedPod()
        let arguments = ["--net=host"].filter { _ in !capabilities.contains(.ownKernel) }
        func labels(_ capabilities: HypervisorCapabilities) throws -> PodLabels? {
            try pod.plan(arguments, capabilities: capabilities.union(.hostNetwork)).machine.labels
        }
        #expect(try labels(capabilities.union(.labels)) == nil)
        try FileSystem.write(Self.record.utf8, to: pod.layout.labels)
        #expect(try labels(capabilities.union(.labels)) == PodLabels(parsing: Self.record))
        #expect(try labels(capabilities) == nil)
        // A pod is not started with less than was chosen.
        try FileSystem.write("categories=c3,c700\n".utf8, to: pod.layout.labels)
        let error = #expect(throws: RuntimeError.self) { try labels(capabilities.union(.labels)) }
        #expect(error?.message.contains(pod.layout.labels.string) == true)
    }
}
