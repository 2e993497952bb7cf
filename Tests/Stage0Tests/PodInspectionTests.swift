// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import Stage0
import SystemPackage
import TestSupport
import Testing

/// What is decided without running anything: no root needed.
struct PodInspectionTests {
    private let scratch: ScratchDirectory
    private let runtime: PodRuntime

    init() throws {
        scratch = try ScratchDirectory()
        runtime = PodRuntime(Settings(dataDirectory: scratch.path))
    }

    private func exitedPod(manifest: String?) throws -> Pod {
        let handle = try runtime.pods.create()
        let uuid = handle.uuid
        if let manifest { try FileSystem.write(manifest.utf8, to: handle.layout.manifest) }
        try handle.run().release()
        try #require(eventually { runtime.pods.pod(uuid)?.state == .exited })
        return try #require(runtime.pods.pod(uuid))
    }

    private let manifest = """
        {"acVersion":"0.8.11","acKind":"PodManifest","apps":[{"name":"web","image":{"name":"example.com/web",\
        "id":"sha512-\(String(repeating: "0", count: 64))","labels":[{"name":"version","value":"3"}]}},\
        {"name":"log","image":{"id":"sha512-\(String(repeating: "1", count: 64))"}}],\
        "userLabels":{"team":"shop"}}
        """

    @Test func anEmptyDataDirectoryHasNoPods() throws {
        #expect(try PodRuntime(Settings(dataDirectory: "/nonexistent/rkt")).list().isEmpty)
        let error = #expect(throws: RuntimeError.self) { try runtime.status("ab") }
        #expect(error?.chain == ["problem retrieving pod", "no matches found for \"ab\""])
    }

    @Test func statusShowsAppsByTheManifest() throws {
        let pod = try exitedPod(manifest: manifest)
        try FileSystem.makeDirectories(pod.layout.statuses)
        try FileSystem.write("3\n".utf8, to: pod.layout.status("log"))
        let status = try runtime.status(pod.uuid.description)
        #expect(status.apps.map(\.name) == ["web", "log"])
        #expect(status.apps.map(\.exitStatus) == [nil, 3])
        #expect(status.apps.map(\.phase) == [.exited, .exited])
        #expect(status.apps[0].imageName == "example.com/web:3")
        #expect(status.apps[0].finishedAt == nil)
        #expect(status.apps[1].finishedAt != nil)
        #expect(status.userLabels == ["team": "shop"])
        #expect(status.error == nil)
    }

    @Test func noLinkOfAPodsLeadsAnExportToTheHost() throws {
        let pod = try exitedPod(manifest: manifest)
        try FileSystem.makeDirectories(pod.layout.appInfo("web"))
        try FileSystem.write(
            #"{"acVersion":"0.8.11","acKind":"ImageManifest","name":"example.com/web"}"#.utf8,
            to: pod.layout.imageManifest("web"))
        let elsewhere = scratch.appending("elsewhere")
        try FileSystem.makeDirectories(elsewhere.appending("rootfs"))
        try FileSystem.makeDirectories(pod.layout.apps)
        try FileSystem.makeSymbolicLink(
            to: elsewhere.string, at: pod.layout.appRootfs("web").removingLastComponent())
        let error = #expect(throws: RuntimeError.self) {
            try runtime.export(pod.uuid.description, app: "web") { _ in Issue.record("it is exported") }
        }
        #expect(error?.message.contains("symbolic link") == true)
    }

    @Test func aPodWhoseSupervisorWasKilledHasACause() throws {
        let pod = try exitedPod(manifest: manifest)
        func cause() throws -> String? {
            try runtime.status(pod.uuid.description).end?.value(forKey: "cause")?.string
        }
        #expect(try cause() == "start-failed")
        try FileSystem.write("1\n".utf8, to: pod.layout.pidFile)
        #expect(try cause() == "supervisor-died")
        // A stage1 that records statuses only.
        try FileSystem.makeDirectories(pod.layout.statuses)
        for app in ["web", "log"] { try FileSystem.write("0\n".utf8, to: pod.layout.status(app)) }
        #expect(try cause() == nil)
        try FileSystem.write(#"{"backend":"qemu"}"#.utf8, to: pod.layout.machineRecord)
        #expect(try cause() == "supervisor-died")
        try FileSystem.write(#"{"cause":"completed"}"#.utf8, to: pod.layout.endRecord)
        #expect(try cause() == "completed")
        let running = try runtime.pods.create().run()
        #expect(try runtime.status(running.uuid.description).end == nil)
        running.release()
    }

    @Test func nobodyIsBlamedForTheUnknownEndOfAnAppThatNothingSupervised() throws {
        let pod = try exitedPod(manifest: manifest)
        try FileSystem.makeDirectories(pod.layout.stage1)
        let stage1 = """
            {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/stage1",
             "annotations":[{"name":"coreos.com/rkt/stage1/direct","value":"true"}]}
            """
        try FileSystem.write(stage1.utf8, to: pod.layout.stage1Manifest)
        #expect(try runtime.status(pod.uuid.description).end?.value(forKey: "cause")?.string == "start-failed")
        try FileSystem.write("1\n".utf8, to: pod.layout.pidFile)
        try FileSystem.write(#"{"backend":"fly"}"#.utf8, to: pod.layout.machineRecord)
        #expect(try runtime.status(pod.uuid.description).end == nil)
    }

    @Test(arguments: [nil, "", "{", "{\"acKind\":\"PodManifest\",\"apps\":3}"])
    func aDamagedPodDoesNotBreakTheList(manifest: String?) throws {
        let damaged = try exitedPod(manifest: manifest)
        let whole = try exitedPod(manifest: self.manifest)
        let list = try runtime.list()
        #expect(Set(list.map(\.uuid)) == [damaged.uuid, whole.uuid])
        #expect(list.first { $0.uuid == damaged.uuid }?.error != nil)
        #expect(list.first { $0.uuid == whole.uuid }?.apps.count == 2)
    }

    @Test func aManifestThatBreaksARuleStillTellsTheApps() throws {
        let pod = try exitedPod(manifest: manifest.replacing("\"sha512-0", with: "\"md5-0"))
        let status = try runtime.status(pod.uuid.description)
        #expect(status.apps.map(\.name) == ["web", "log"])
        #expect(status.apps[0].imageName == "example.com/web:3")
        #expect(status.error != nil)
    }

    @Test func waitingForAnExitedPodEndsAtOnce() throws {
        let pod = try exitedPod(manifest: manifest)
        try runtime.wait(for: pod.uuid.description, until: .ended, timeout: 0)
        let error = #expect(throws: RuntimeError.self) {
            try runtime.wait(for: pod.uuid.description, until: .ready, timeout: 10_000)
        }
        #expect(error?.message == "error waiting for pod readiness")
        #expect(error?.code == .invalidState)
    }

    @Test func waitingForAPreparedPodTimesOut() throws {
        let handle = try runtime.pods.create()
        let uuid = handle.uuid.description
        try handle.finishPreparing()
        for goal in [WaitGoal.ended, .ready] {
            let error = #expect(throws: RuntimeError.self) { try runtime.wait(for: uuid, until: goal, timeout: 20) }
            #expect(error?.code == .timeout)
        }
    }

    @Test func aPodThatDoesNotRunIsNeitherEnteredNorStopped() throws {
        let pod = try exitedPod(manifest: manifest)
        let error = #expect(throws: RuntimeError.self) {
            try runtime.enter(pod.uuid.description, app: nil, command: [])
        }
        #expect(error?.message == "pod \"\(pod.uuid)\" isn't currently running")
        #expect(try runtime.stop(pod.uuid.description, force: true).wasRunning == false)
    }

    @Test func theAppToEnterMustBeUnambiguous() throws {
        let uuid = PodUUID()
        #expect(try PodRuntime.chooseApp(nil, of: ["web"], in: uuid) == "web")
        #expect(try PodRuntime.chooseApp("log", of: ["web", "log"], in: uuid) == "log")
        let several = #expect(throws: RuntimeError.self) {
            try PodRuntime.chooseApp(nil, of: ["web", "log"], in: uuid)
        }
        #expect(several?.message.hasPrefix("unable to determine app name") == true)
        #expect(throws: RuntimeError.self) { try PodRuntime.chooseApp("db", of: ["web", "log"], in: uuid) }
        #expect(throws: RuntimeError.self) { try PodRuntime.chooseApp(nil, of: [], in: uuid) }
    }

    @Test func garbageIsMarkedFirstAndRemovedLater() throws {
        let exited = try exitedPod(manifest: manifest)
        try runtime.pods.create().release()
        let prepared = try runtime.pods.create()
        let preparedUUID = prepared.uuid
        try prepared.finishPreparing()
        let running = try runtime.pods.create().run()

        var policy = GarbagePolicy()
        policy.markOnly = true
        try collect(policy, until: [.prepared, .running, .exitedGarbage, .garbage])
        let marked = Dictionary(uniqueKeysWithValues: try runtime.list().map { ($0.uuid, $0.state) })
        #expect(marked[exited.uuid] == .exitedGarbage)
        #expect(marked[preparedUUID] == .prepared)
        #expect(marked[running.uuid] == .running)

        try collect(GarbagePolicy(), until: [.prepared, .running, .exitedGarbage])

        policy = GarbagePolicy()
        policy.gracePeriod = 0
        policy.expirePrepared = 0
        try collect(policy, until: [.running])
        #expect(try runtime.list().map(\.uuid) == [running.uuid])
        running.release()
    }

    /// Collects until the pods that are left have these states.
    private func collect(_ policy: GarbagePolicy, until states: Set<PodState>) throws {
        let isReached = try eventually {
            try runtime.collectGarbage(policy) { _ in }
            return Set(try runtime.list().map(\.state)) == states
        }
        #expect(isReached)
    }

    @Test func preparedAndAbortedPodsCanBeRemoved() throws {
        let prepared = try runtime.pods.create()
        let uuid = prepared.uuid
        try prepared.finishPreparing()
        #expect(try runtime.remove(uuid.description) == uuid)
        let preparing = try runtime.pods.create()
        let other = preparing.uuid
        let error = #expect(throws: RuntimeError.self) { try runtime.remove(other.description) }
        #expect(error?.code == .busy)
        preparing.release()
        #expect(try runtime.remove(other.description) == other)
        #expect(try runtime.list().isEmpty)
    }

    @Test func aUUIDFileMayEndWithANewline() throws {
        try FileSystem.write(" 0d3a1e2c\n".utf8, to: scratch.appending("uuid"))
        #expect(try PodRuntime.uuid(fromFile: scratch.appending("uuid")) == "0d3a1e2c")
        #expect(throws: RuntimeError.self) { try PodRuntime.uuid(fromFile: scratch.appending("missing")) }
    }
}
