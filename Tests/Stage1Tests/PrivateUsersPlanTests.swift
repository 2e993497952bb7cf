// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Hypervisor
import LinuxPlatform
import Stage1
import SystemPackage
import TestSupport
import Testing

/// Plans of pods with users of their own.
struct PrivateUsersPlanTests {
    private static let container: HypervisorCapabilities = [.hostNetwork, .preservesExitStatus, .agent]
    private static let flag = "--private-users=655360:65536"

    private func plan(
        _ pod: PlannedPod, capabilities: HypervisorCapabilities = container
    ) throws -> PodPlan {
        try pod.plan([Self.flag], capabilities: capabilities)
    }

    @Test func volumesOfTheHostAreShownWithThePodsUsers() throws {
        let pod = try PlannedPod(
            volumes: [
                #"{"name":"d","kind":"host","source":"/usr","readOnly":true}"#,
                #"{"name":"f","kind":"host","source":"/etc/passwd","recursive":false}"#,
            ], mounts: [("d", "/d"), ("f", "/f")])
        let plan = try plan(pod)
        #expect(plan.machine.users == UserRange(first: 655_360))
        let shown = pod.layout.directory.appending("volumes")
        #expect(
            Array(plan.machine.shares.dropFirst()) == [
                .bind(
                    source: shown.appending("0"), target: "/run/rkt/volumes/0", isRecursive: true, readOnly: true),
                .bind(
                    source: shown.appending("1").appending("file"), target: "/run/rkt/volumes/1", isRecursive: false,
                    readOnly: false),
            ])
        #expect(plan.configuration.apps[0].mounts.map(\.source) == ["/run/rkt/volumes/0", "/run/rkt/volumes/1"])
    }

    @Test func aMachineWithAKernelOfItsOwnHasUsersOfItsOwn() throws {
        let pod = try PlannedPod()
        #expect(try plan(pod, capabilities: [.ownKernel, .virtiofs, .executableKernel, .agent]).machine.users == nil)
    }

    @Test func anAppWithoutAMachineHasTheHostsUsers() throws {
        let error = try #require(throws: RuntimeError.self) { try plan(PlannedPod(), capabilities: [.hostNetwork]) }
        #expect(error.code == .unsupported && error.message.contains("--private-users"))
    }

    @Test func whatAPodOfItsOwnUsersCannotSetIsSetByTheHostOrTold() throws {
        let pod = try PlannedPod(isolators: [#"{"name":"os/linux/oom-score-adj","value":-500}"#])
        let manifest = try FileSystem.readText(pod.layout.manifest)
        let sysctl =
            #""isolators":[{"name":"os/unix/sysctl","value":{"net.core.somaxconn":"64","kernel.shmmni":"7"}}],"#
        try FileSystem.write(
            manifest.replacing(#""volumes":"#, with: sysctl + #""volumes":"#).utf8, to: pod.layout.manifest)
        let plan = try plan(pod)
        #expect(plan.machine.networkSettings == [.init(path: "net/core/somaxconn", value: "64")])
        #expect(plan.configuration.kernelSettings.map(\.path) == ["kernel/shmmni"])
        #expect(plan.warnings.contains { $0.contains("os/linux/oom-score-adj") && $0.contains("--private-users") })
        #expect(!plan.configuration.files.contains { "\($0.content)".contains("OOMScoreAdjust") })
        // The pod itself does it where it has the host's users.
        #expect(try pod.plan(capabilities: Self.container).configuration.kernelSettings.count == 2)
    }

    @Test func idsThatAPodDoesNotHaveAreRefused() throws {
        let pod = try PlannedPod(volumes: [#"{"name":"e","kind":"empty","uid":70000}"#], mounts: [("e", "/e")])
        let error = #expect(throws: RuntimeError.self) { try plan(pod) }
        #expect(error?.message.contains("70000") == true && error?.message.contains("\"e\"") == true)
        let other = try PlannedPod()
        let manifest = try FileSystem.readText(other.layout.manifest)
        try FileSystem.write(
            manifest.replacing(#""user":"0""#, with: #""user":"65536""#).utf8, to: other.layout.manifest)
        let refusal = #expect(throws: RuntimeError.self) { try plan(other) }
        #expect(refusal?.message.contains("65536") == true && refusal?.message.contains("app a") == true)
    }

    @Test(.requiresRoot) func ownersOfFilesAreTakenBackIntoThePod() throws {
        let scratch = try ScratchDirectory()
        for (name, owner) in [("shown", UInt32(655_365)), ("foreign", 5)] {
            let path = scratch.appending(name)
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create], permissions: [.ownerReadWrite])
            defer { try? file.close() }
            try FileSystem.setOwner(owner, owner, of: file)
        }
        let accounts = AccountLookup(root: scratch.path, users: UserRange(first: 655_360))
        #expect(try accounts.uid(of: "/shown") == 5 && accounts.gid(of: "/shown") == 5)
        let error = #expect(throws: RuntimeError.self) { try accounts.uid(of: "/foreign") }
        #expect(error?.message.contains("/foreign") == true)
    }
}
