// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Glibc
import AppContainer
import LinuxPlatform
import PodStore
import SystemPackage
import Testing

struct PodFactsTests {
    @Test func statusesAreReadFromStage1OrTheLayerBelowIt() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        let upper = pod.layout.stage1Overlay.upper.appending("rkt").appending("status")
        try FileSystem.makeDirectories(upper)
        try FileSystem.write("3\n".utf8, to: upper.appending("worker"))
        #expect(pod.exitStatus(of: "worker") == 3)
        #expect(pod.finishedAt(of: "worker") != nil)
        try FileSystem.makeDirectories(pod.layout.statuses)
        try FileSystem.write("137".utf8, to: pod.layout.status("worker"))
        #expect(pod.exitStatus(of: "worker") == 137)
        #expect(pod.exitStatus(of: "other") == nil)
    }

    /// In stage1's root stands what the pod has put there, if it got so far.
    @Test func statusesThatAreNoFilesAreNone() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        for directory in [pod.layout.statuses, pod.layout.exitCauses] { try FileSystem.makeDirectories(directory) }
        #expect(mkfifo(pod.layout.status("worker").string, 0o600) == 0)
        #expect(pod.exitStatus(of: "worker") == nil)
        let secret = pod.layout.directory.appending("secret")
        try FileSystem.write("of the host\n".utf8, to: secret)
        #expect(symlink(secret.string, pod.layout.exitCause("worker").string) == 0)
        #expect(pod.exitCause(of: "worker") == nil)
        try FileSystem.remove(pod.layout.exitCause("worker"))
        try FileSystem.write("signal\n".utf8, to: pod.layout.exitCause("worker"))
        #expect(pod.exitCause(of: "worker") == "signal")
    }

    @Test func theProcessIsThatOfPidOrTheOnlyChildOfThatOfPpid() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        #expect(pod.pid == nil)
        let child = try ChildProcess.spawn(
            SpawnRequest(path: "/bin/sh", arguments: ["sh", "-c", "sleep 30 & wait"], descriptors: [-1, -1, -1]))
        defer {
            try? child.signal(SIGKILL)
            _ = try? child.wait()
            child.close()
        }
        try FileSystem.write("\(child.pid)\n".utf8, to: pod.layout.ppidFile)
        var backoff = Backoff()
        let deadline = Clock.milliseconds + 10_000
        while pod.pid == nil, backoff.pause(until: deadline) {}
        let grandchild = try #require(pod.pid)
        #expect(grandchild != child.pid)
        kill(grandchild, SIGKILL)
        try FileSystem.write("42\n".utf8, to: pod.layout.pidFile)
        #expect(pod.pid == 42)
        #expect(pod.startedAt != nil)
    }

    /// In a process of its own, which has no other children.
    @Test func theChildMayBelongToAnyThread() async throws {
        await #expect(processExitsWith: .success) {
            let scratch = try ScratchStore()
            let pod = try scratch.exitedPod()
            // Tasks never run on the first thread.
            let child = try await Task.detached {
                try ChildProcess.spawn(
                    SpawnRequest(path: "/bin/sleep", arguments: ["sleep", "30"], descriptors: [-1, -1, -1]))
            }.value
            defer {
                try? child.signal(SIGKILL)
                _ = try? child.wait()
                child.close()
            }
            try FileSystem.write("\(getpid())\n".utf8, to: pod.layout.ppidFile)
            #expect(pod.pid == child.pid)
        }
    }

    @Test func readinessIsALink() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        try FileSystem.makeDirectories(pod.layout.runtime)
        #expect(!pod.isReady)
        try FileSystem.makeSymbolicLink(to: "ready", at: pod.layout.supervisorStatus)
        #expect(pod.isReady)
    }

    @Test func treesInUseAreCollectedFromAllRecords() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        #expect(pod.treeIDs.isEmpty)
        try FileSystem.write("tree-s\n".utf8, to: pod.layout.stage1TreeID)
        for app in ["a", "b"] {
            try FileSystem.makeDirectories(pod.layout.appInfo(app))
            try FileSystem.write("tree-\(app)\n".utf8, to: pod.layout.appTreeID(app))
        }
        #expect(pod.treeIDs == ["tree-s", "tree-a", "tree-b"])
    }

    @Test func onlyMarkedPodsHaveATimeOfMarking() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        #expect(pod.markedAt == nil)
        try scratch.claim(pod).mark().release()
        let marked = try #require(scratch.store.pod(pod.uuid)?.markedAt)
        #expect(marked <= Clock.wallNanoseconds)
    }
}
