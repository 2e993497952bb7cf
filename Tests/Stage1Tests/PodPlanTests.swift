// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Hypervisor
import LinuxPlatform
import PodStore
import Stage1
import SystemPackage
import TestSupport
import Testing

/// A pod of one app with a volume that it may write to, one that it may not, and an empty one.
struct PodPlanTests {
    private let scratch: ScratchDirectory
    private let pod: PodLayout

    private static let uuid = "6733c088-a507-4694-aabf-eda1cf9aee7c"
    private static let digest = "sha512-" + String(repeating: "0", count: 128)

    init() throws {
        scratch = try ScratchDirectory()
        pod = PodLayout(directory: scratch.appending("pod"))
        let source = scratch.appending("source")
        for directory in [source, pod.appInfo("a"), pod.appRootfs("a")] { try FileSystem.makeDirectories(directory) }
        let manifest = """
            {"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"a","image":{"id":"\(Self.digest)"},
             "app":{"exec":["/a"],"user":"0","group":"0"},
             "mounts":[{"volume":"w","path":"/w"},{"volume":"r","path":"/r"},{"volume":"e","path":"/e"}]}],
             "volumes":[{"name":"w","kind":"host","source":"\(source)"},
              {"name":"r","kind":"host","source":"\(source)","readOnly":true},{"name":"e","kind":"empty"}]}
            """
        try FileSystem.write(manifest.utf8, to: pod.manifest)
        let image = #"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a"}"#
        try FileSystem.write(image.utf8, to: pod.imageManifest("a"))
    }

    private func plan(
        _ configuration: String?,
        capabilities: HypervisorCapabilities = [.ownKernel, .virtiofs, .executableKernel, .agent]
    ) throws -> PodPlan {
        if let configuration { try FileSystem.write(configuration.utf8, to: pod.hypervisorConfiguration) }
        return try PodPlan(
            pod: pod, arguments: EntrypointArguments(parsing: [Self.uuid]), capabilities: capabilities, interfaces: [],
            inherited: [], extraKernelParameters: nil, hostProcessors: 2, hostMemory: 4096, machineUser: nil)
    }

    @Test(arguments: [nil, #"{"rktKind":"hypervisor","rktVersion":"v1","volumes":"9p"}"#])
    func volumesGoOverPlan9(configuration: String?) throws {
        let plan = try plan(configuration)
        let volumes = pod.directory.appending("volumes")
        #expect(
            Array(plan.machine.shares.dropFirst()) == [
                .plan9(tag: "rkt.volume0", source: volumes.appending("0"), readOnly: false),
                .plan9(tag: "rkt.volume1", source: volumes.appending("1"), readOnly: true),
            ])
        #expect(plan.configuration.shares.dropFirst().map(\.type) == ["9p", "9p"])
        #expect(plan.configuration.shares.dropFirst().allSatisfy { $0.options.contains("trans=virtio") })
    }

    @Test func volumesGoOverVirtiofsWhenItIsConfigured() throws {
        let plan = try plan(#"{"rktKind":"hypervisor","rktVersion":"v1","volumes":"virtiofs"}"#)
        let volumes = pod.directory.appending("volumes")
        #expect(
            Array(plan.machine.shares.dropFirst()) == [
                .virtiofs(tag: "rkt.volume0", source: volumes.appending("0"), cache: .auto, readOnly: false),
                .virtiofs(tag: "rkt.volume1", source: volumes.appending("1"), cache: .auto, readOnly: true),
            ])
        #expect(
            Array(plan.configuration.shares.dropFirst()) == [
                .init(type: "virtiofs", tag: "rkt.volume0", mountPoint: "/run/rkt/volumes/0", forbidsDevices: true),
                .init(
                    type: "virtiofs", tag: "rkt.volume1", mountPoint: "/run/rkt/volumes/1", readOnly: true,
                    forbidsDevices: true),
            ])
        // The empty volume stays where the app's root is.
        #expect(plan.configuration.apps.first?.mounts.map(\.source.isEmpty) == [false, false, false])
        #expect(plan.configuration.apps.first?.mounts.last?.source.hasPrefix("/opt/stage2/.volumes/") == true)
    }

    /// What is configured stays as it is: the backend refuses it.
    @Test(
        arguments: [
            (nil, "virtiofs"), (#"{"rktKind":"hypervisor","rktVersion":"v1","volumes":"9p"}"#, "9p"),
        ] as [(String?, String)])
    func volumesGoOverVirtiofsWhereThereIsNothingElse(configuration: String?, type: String) throws {
        let plan = try plan(
            configuration, capabilities: [.ownKernel, .virtiofs, .virtiofsOnly, .executableKernel, .agent])
        #expect(plan.configuration.shares.dropFirst().map(\.type) == [type, type])
    }

    @Test func theMachineIsWhatIsConfigured() throws {
        let bare = try plan(nil).machine
        #expect(bare.accelerator == .auto)
        #expect(bare.profile == nil)
        #expect(bare.minimumIsolation == nil)
        let machine = try plan(
            #"{"rktKind":"hypervisor","rktVersion":"v1","accelerator":"kvm","profile":"microvm","#
                + #""minimumIsolation":"confined"}"#
        ).machine
        #expect(machine.accelerator == .kvm)
        #expect(machine.profile == .microvm)
        #expect(machine.minimumIsolation == .confined)
    }

    @Test func aBackendWithoutVirtiofsGetsAppsOverPlan9AndTheKernelThatItTakes() throws {
        let plan = try plan(nil, capabilities: [.ownKernel, .agent])
        #expect(plan.machine.shares.first == .plan9(tag: "rkt.apps", source: pod.apps, readOnly: false))
        #expect(plan.configuration.shares.first?.type == "9p")
        #expect(plan.configuration.shares.first?.options.contains("trans=virtio") == true)
        #expect(plan.machine.kernel == .bundled(pod.stage1Rootfs.appending(GuestKernel.fileName(for: .ownKernel))))
        let usual = try self.plan(nil)
        #expect(
            usual.machine.shares.first
                == .virtiofs(tag: "rkt.apps", source: pod.apps, cache: .always, readOnly: false))
        #expect(usual.configuration.shares.first?.type == "virtiofs")
    }

    @Test func aContainerHasItsDirectoriesBoundAndTheIsolationThatIsWanted() throws {
        let plan = try plan(
            #"{"rktKind":"hypervisor","rktVersion":"v1","minimumIsolation":"emulation"}"#,
            capabilities: [.hostNetwork, .agent])
        #expect(plan.machine.minimumIsolation == .emulation)
        #expect(plan.machine.root == .directory(pod.stage1Rootfs.appending("guest")))
        #expect(
            plan.machine.shares.first
                == .bind(source: pod.apps, target: "/opt/stage2", isRecursive: true, readOnly: false))
        #expect(plan.configuration.shares.isEmpty)
    }

    @Test func aPodWhoseConfigurationCannotBeReadIsRefused() {
        #expect(throws: (any Error).self) { try plan("{}") }
    }
}
