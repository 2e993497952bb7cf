// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import LinuxPlatform
import PodStore
import Stage1
import SystemPackage
import TestSupport
import Testing

/// The `stop` entrypoint of pods that have no supervisor.
struct SignalAppTests {
    private let scratch: ScratchDirectory
    private let pod: PodLayout

    init() throws {
        scratch = try ScratchDirectory()
        pod = PodLayout(directory: scratch.path)
    }

    /// Starts a shell script and says that it is the pod's app.
    private func start(_ script: String, leads: Bool) throws -> ChildProcess {
        // As the lock is the app's.
        let directory = try FileDescriptor.open(pod.directory, .readOnly, options: [.directory, .closeOnExec])
        defer { try? directory.close() }
        let child = try ChildProcess.spawn(
            SpawnRequest(
                path: "/bin/sh", arguments: ["/bin/sh", "-c", script], descriptors: [0, 1, 2, directory.rawValue],
                newSession: leads))
        try FileSystem.write("\(leads ? child.pid : getpgrp())\n".utf8, to: pod.groupFile)
        try ProcessIdentity(of: child.pid).record(in: pod)
        return child
    }

    @Test(arguments: [(false, Int32(15)), (true, Int32(9))])
    func theAppIsSignalled(force: Bool, signal: Int32) throws {
        let lock = try FileLock.acquire(pod.directory, .exclusive)
        defer { lock.release() }
        // Not a leader: the group is that of the tests, which go on.
        let child = try start("exec sleep 1000", leads: false)
        defer { child.close() }
        try StopRequest(pod: pod).signalApp(force: force)
        #expect(try child.wait() == .signalled(signal))
    }

    @Test func whatALeaderHasLeftIsSignalledInItsPlace() async throws {
        let lock = try FileLock.acquire(pod.directory, .exclusive)
        defer { lock.release() }
        let file = scratch.appending("left")
        let child = try start("sleep 1000 & echo $! >\(file); exit 0", leads: true)
        defer { child.close() }
        #expect(try child.wait() == .exited(0))
        let text = try FileSystem.readText(file)
        let left = try #require(Int32(text.filter(\.isNumber)))
        #expect(HostTraces.isAlive(left))
        try StopRequest(pod: pod).signalApp(force: false)
        try await eventually("the end of what was left", within: .seconds(30)) { !HostTraces.isAlive(left) }
    }

    @Test func aPodThatRunsWithoutItsAppIsToldApart() throws {
        let lock = try FileLock.acquire(pod.directory, .exclusive)
        defer { lock.release() }
        let child = try start("exit 0", leads: false)
        defer { child.close() }
        #expect(try child.wait() == .exited(0))
        let error = #expect(throws: RuntimeError.self) { try StopRequest(pod: pod).signalApp(force: false) }
        #expect(error?.code == .invalidState)
        #expect(error?.message.contains("keeps the pod running") == true)
    }

    @Test func nothingIsSignalledWhenThePodHasEnded() throws {
        let child = try start("exec sleep 1000", leads: true)
        defer { child.close() }
        try StopRequest(pod: pod).signalApp(force: true)
        #expect(try child.poll() == nil)
        try child.signal(9)
        #expect(try child.wait() == .signalled(9))
    }

    /// The pod runs by others, and a later process has its app's number, perhaps as the leader of its own group.
    @Test(arguments: [false, true]) func aStrangerWithTheAppsNumberIsNotSignalled(leads: Bool) throws {
        let lock = try FileLock.acquire(pod.directory, .exclusive)
        defer { lock.release() }
        let stranger = try ChildProcess.spawn(
            SpawnRequest(path: "/bin/sh", arguments: ["/bin/sh", "-c", "exec sleep 1000"], newSession: true))
        defer { stranger.close() }
        try FileSystem.write("\(leads ? stranger.pid : getpgrp())\n".utf8, to: pod.groupFile)
        let process = try ProcessIdentity(of: stranger.pid)
        try ProcessIdentity(pid: stranger.pid, startTime: process.startTime - 1).record(in: pod)
        for force in [false, true] {
            let error = #expect(throws: RuntimeError.self) { try StopRequest(pod: pod).signalApp(force: force) }
            #expect(error?.code == .invalidState)
        }
        #expect(try stranger.poll() == nil)
        try stranger.signal(9)
        // Of the signals that are sent to it this is the only one.
        #expect(try stranger.wait() == .signalled(9))
    }

    @Test func whoeverSaysNotWhenItsProcessWasStartedIsNotSignalled() throws {
        let lock = try FileLock.acquire(pod.directory, .exclusive)
        defer { lock.release() }
        let child = try start("exec sleep 1000", leads: true)
        defer { child.close() }
        try FileSystem.remove(pod.startTimeFile)
        #expect(throws: RuntimeError.self) { try StopRequest(pod: pod).signalApp(force: true) }
        #expect(try child.poll() == nil)
        try child.signal(9)
        #expect(try child.wait() == .signalled(9))
    }
}
