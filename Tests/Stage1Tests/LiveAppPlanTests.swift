// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import GuestProtocol
import Hypervisor
import LinuxPlatform
import PodStore
import Stage1
import SystemPackage
import TestSupport
import Testing

/// What becomes of a mutable pod, and of an app that is added to one.
struct LiveAppPlanTests {
    private static let uuid = PlannedPod.uuid

    /// A pod with one app, as it is when `app/add` is called.
    private func pod(isMutable: Bool = true) throws -> PlannedPod {
        let pod = try PlannedPod(
            volumes: [
                #"{"name":"data","kind":"host","source":"/nonexistent"}"#,
                #"{"name":"conf","kind":"host","source":"/nonexistent","readOnly":true}"#,
                #"{"name":"tmp","kind":"empty"}"#,
            ], mounts: [("data", "/data"), ("conf", "/etc/conf"), ("tmp", "/tmp")],
            isolators: [#"{"name":"resource/cpu","value":{"limit":"9"}}"#])
        if isMutable { try annotate(pod.layout) }
        try FileSystem.write("7\n".utf8, to: pod.layout.appPlace("a"))
        let volumes = #"{"data":{"place":2,"kind":"directory"},"conf":{"place":5,"kind":"file"}}"#
        try FileSystem.write(volumes.utf8, to: pod.layout.liveVolumes)
        try FileSystem.write(#"{"processors":2}"#.utf8, to: pod.layout.machineRecord)
        return pod
    }

    private func annotate(_ layout: PodLayout, removingApps: Bool = false) throws {
        var manifest = try PodManifest(parsing: FileSystem.read(layout.manifest))
        manifest.annotations.set(PodAnnotation.mutable, "true")
        if removingApps { (manifest.apps, manifest.volumes) = ([], []) }
        try FileSystem.write(manifest.encoded().utf8, to: layout.manifest)
    }

    private func plan(_ pod: PlannedPod, _ arguments: [String] = [], hasOwnKernel: Bool = true) throws -> LiveAppPlan {
        let arguments = try LiveAppArguments(parsing: ["--app=a", "--uuid=\(Self.uuid)"] + arguments)
        return try LiveAppPlan(
            pod: pod.layout, app: arguments.app, arguments: arguments.entrypoint, hasOwnKernel: hasOwnKernel)
    }

    @Test func anAppIsPlannedAsRunDoesAndFoundAtItsPlace() throws {
        let pod = try pod()
        let plan = try plan(pod)
        #expect(plan.app.app.root == "/opt/stage2/.live/7")
        #expect(plan.app.app.exec == ["/a"])
        #expect(plan.app.app.capabilityBoundingSet == CapabilitySet.appDefault.mask)
        #expect(!plan.app.app.systemCallFilter.isEmpty)
        #expect(
            plan.app.app.mounts == [
                .init(source: "/run/rkt/live/2", target: "/data", forbidsDevices: true),
                .init(source: "/run/rkt/live/5/file", target: "/etc/conf", readOnly: true, forbidsDevices: true),
                .init(source: "/opt/stage2/.volumes/tmp", target: "/tmp"),
            ])
        #expect(
            plan.app.files.map(\.path) == [
                "/run/systemd/system/a.service", "/run/systemd/system/reaper-a.service",
            ])
        #expect(plan.warnings.contains { $0.contains("2 processors") })
    }

    @Test func whatIsSwitchedOffForOneAppIsSwitchedOff() throws {
        let pod = try pod()
        let flags = ["--disable-capabilities-restriction", "--disable-paths", "--disable-seccomp", "--debug"]
        let app = try plan(pod, flags).app.app
        #expect(app.capabilityBoundingSet == Capability.all.mask)
        #expect(app.systemCallFilter.isEmpty)
        #expect(!app.protectsKernelPaths)
    }

    @Test func appsThatCannotBeAddedAreRefused() throws {
        let immutable = try pod(isMutable: false)
        #expect(throws: RuntimeError.self) { try plan(immutable) }
        let unmounted = try pod()
        try FileSystem.write("{}".utf8, to: unmounted.layout.liveVolumes)
        #expect(throws: RuntimeError.self) { try plan(unmounted) }
        #expect(throws: RuntimeError.self) { try LiveAppArguments(parsing: ["--debug"]) }
    }

    @Test func whatThePodPutsInTheWayOfARootIsNotFollowed() throws {
        let pod = try pod()
        let place = pod.layout.appRootfs("a").removingLastComponent()
        let elsewhere = pod.scratch.appending("elsewhere")
        try FileSystem.rename(place, to: elsewhere)
        try FileSystem.makeSymbolicLink(to: elsewhere.string, at: place)
        #expect(throws: RuntimeError.self) { try plan(pod) }
    }

    @Test func aMutablePodHasAShareForLaterVolumes() throws {
        let pod = try pod()
        try annotate(pod.layout, removingApps: true)
        let plan = try pod.plan(["--mutable"])
        #expect(plan.configuration.isMutable)
        #expect(plan.configuration.apps.isEmpty)
        let live = try #require(plan.configuration.shares.first { $0.tag == "rkt.live" })
        #expect(live.mountPoint == "/run/rkt/live")
        #expect(live.forbidsDevices)
        #expect(plan.machine.shares.map(\.source) == [pod.layout.apps, pod.layout.live])
        let plan9 = try pod.plan(["--mutable"], capabilities: [.ownKernel, .executableKernel, .agent])
        #expect(plan9.machine.shares.last == .plan9(tag: "rkt.live", source: pod.layout.live, readOnly: false))
        let container = try pod.plan(["--mutable"], capabilities: [.agent, .hostNetwork])
        #expect(container.machine.shares.contains { $0.source == pod.layout.live })
        #expect(container.configuration.shares.isEmpty)
    }

    @Test(
        arguments: [
            ("{}", 2, 4096, 1024, 2), ("{}", 16, 65536, 4096, 8), ("{}", 1, 1024, 512, 1),
            (#"{"memory":1073741824,"cpu":3}"#, 4, 4096, 1152, 3), (#"{"memory":1048577,"cpu":9}"#, 4, 4096, 512, 4),
        ])
    func theMachineHasTheSizeThatWasAskedFor(
        size: String, processors: Int, host: Int, memory: Int, expected: Int
    ) throws {
        let pod = try pod()
        try annotate(pod.layout, removingApps: true)
        let text = #"{"rktKind":"hypervisor","rktVersion":"v1","sandbox":\#(size)}"#
        try FileSystem.write(text.utf8, to: pod.layout.hypervisorConfiguration)
        let plan = try pod.plan(["--mutable"], processors: processors, memory: host)
        #expect(plan.machine.memory == memory)
        #expect(plan.machine.processors == expected)
    }

    @Test(arguments: [(1151, true), (1152, false)])
    func aUnitWithLessMemoryThanTheMachineOfASandboxIsWarnedOf(limit: Int64, isWarned: Bool) throws {
        let pod = try pod()
        try annotate(pod.layout, removingApps: true)
        let plan = try pod.plan(["--mutable"], memoryLimit: limit << 20)
        #expect(plan.machine.memory == 1024)
        #expect(plan.warnings.contains { $0.contains("MemoryMax=1152M") } == isWarned)
    }

    @Test func aPodThatHasAppsDoesNotBeginAsASandbox() throws {
        let pod = try pod()
        #expect(throws: RuntimeError.self) { try pod.plan(["--mutable"]) }
    }
}
