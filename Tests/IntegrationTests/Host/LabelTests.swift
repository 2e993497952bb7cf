// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Hypervisor
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Contexts of SELinux, which can be tried only where the kernel has it and a policy with contexts for pods.
@Suite(
    .requiresBuild, .requiresRoot, .requiresQEMU, .podLogs,
    .enabled(if: SELinuxHost.policy() != nil, "this host has no SELinux, or no policy in /etc/selinux"),
    .timeLimit(.minutes(5)))
struct LabelTests {
    /// Starts two pods, and compares what was chosen for them with what the kernel says.
    ///
    /// - Returns: the second, and the context of its processes.
    private func twoPods(_ fixture: PodFixture) async throws -> (pod: RunningPod, context: String) {
        let first = try await pod(fixture), second = try await pod(fixture)
        #expect(first.context != second.context)
        return second
    }

    private func pod(_ fixture: PodFixture) async throws -> (pod: RunningPod, context: String) {
        let pod = try await fixture.run(script: "exec sleep 100000")
        let status = try JSONValue(
            parsing: Array(await fixture.rkt("status", "--format=json", pod.uuid).output.utf8))
        let chosen = try #require(status["machine"]?["labels"], "the policy has no contexts for such pods")
        let process = try #require(chosen["process"]?.string), file = try #require(chosen["file"]?.string)
        #expect(status["machine"]?["confinement"]?["selinux"]?.string == process)
        let mounts = try FileSystem.readText(FilePath("/proc/\(pod.process.child.pid)/mountinfo"), limit: 64 << 20)
            .split(separator: "\n").filter { $0.contains(pod.uuid) && $0.contains(" - overlay ") }
        #expect(!mounts.isEmpty && mounts.allSatisfy { $0.contains(file) })
        return (pod, process)
    }

    @Test(.requires(.emulatorOfRkt)) func eachHypervisorHasAContextOfItsOwn() async throws {
        try await PodFixture.with { fixture in _ = try await twoPods(fixture) }
    }

    @Test(.requires(.hostKernel), .requires(.supervisor)) func whoEntersAContainerGetsItsContext() async throws {
        try await PodFixture.with { fixture in
            let (pod, context) = try await twoPods(fixture)
            let entered = try await fixture.rkt("enter", pod.uuid, "/bin/busybox", "cat", "/proc/self/attr/current")
            #expect(entered.output.filter { $0 != "\0" && $0 != "\n" } == context)
        }
    }
}
