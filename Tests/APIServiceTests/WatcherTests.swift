// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import AppContainer
import ImageStore
import LinuxPlatform
import PodStore
import RktAPI
import SystemPackage
import TestSupport
import Testing

struct WatcherTests {
    private let fixture: DataFixture

    init() throws { fixture = try DataFixture() }

    /// What the watcher tells, until it is as much as is expected.
    private func told(_ watcher: inout Watcher, _ count: Int) throws -> [String] {
        var events: [V1alpha_Event] = []
        let deadline = Clock.milliseconds + 60_000
        while events.count < count {
            guard Clock.milliseconds < deadline else { throw TimedOut("\(count) events, of \(events)", .seconds(60)) }
            events += try watcher.next(timeout: 1000)
        }
        return events.map { "\($0.type)" + ($0.from.isEmpty ? "" : " \($0.from)") }
    }

    private func process() throws -> HostProcess {
        try HostProcess("/bin/sleep", ["1000"], log: fixture.scratch.appending("sleep"))
    }

    @Test func aPodsLifeIsTold() throws {
        let before = try fixture.exitedPod(DataFixture.manifest("old"))
        var watcher = try Watcher(fixture.source)
        #expect(watcher.failure == nil)
        let handle = try fixture.prepare(DataFixture.manifest("web"))
        let uuid = handle.uuid
        try handle.finishPreparing()
        #expect(try told(&watcher, 1) == ["podPrepared"])

        let running = try fixture.claim(fixture.pod(uuid, in: .prepared)).run()
        let layout = running.layout
        let supervisor = try process()
        defer { supervisor.kill() }
        try FileSystem.writeAtomically("\(supervisor.child.pid)\n".utf8, to: layout.pidFile)
        #expect(try told(&watcher, 2) == ["podStarted", "appStarted web"])

        try FileSystem.makeDirectories(layout.statuses)
        try FileSystem.writeAtomically("3\n".utf8, to: layout.status("web"))
        #expect(try told(&watcher, 1) == ["appExited web"])

        supervisor.kill()
        running.release()
        #expect(try told(&watcher, 1) == ["podExited"])

        let marked = try fixture.claim(fixture.pod(uuid, in: .exited)).mark()
        try marked.remove()
        #expect(try told(&watcher, 1) == ["podGarbageCollected"])
        #expect(watcher.snapshot.pods.keys.map(\.self) == [before.uuid])
    }

    @Test func theStartOfAnAppOfAPodThatChangesIsTold() throws {
        let supervisor = try process()
        defer { supervisor.kill() }
        let running = try fixture.prepare(DataFixture.manifest("web")).run()
        let layout = running.layout
        for directory in [layout.live, layout.appInfo("web"), layout.environments, layout.statuses] {
            try FileSystem.makeDirectories(directory)
        }
        try FileSystem.write("1\n".utf8, to: layout.appPlace("web"))
        try FileSystem.write("\(supervisor.child.pid)\n".utf8, to: layout.pidFile)
        var watcher = try Watcher(fixture.source)
        // What is there at the beginning has been looked at.
        while try !watcher.next(timeout: 200).isEmpty {}
        try FileSystem.writeAtomically([UInt8](), to: layout.appStarted("web"))
        #expect(try told(&watcher, 1) == ["appStarted web"])
        running.release()
    }

    @Test func aKilledSupervisorIsNoticedThoughItWritesNothing() throws {
        let supervisor = try process()
        defer { supervisor.kill() }
        let running = try fixture.prepare(DataFixture.manifest("web")).run()
        try FileSystem.write("\(supervisor.child.pid)\n".utf8, to: running.layout.ppidFile)
        var watcher = try Watcher(fixture.source)
        // Its child is gone with it; here only the process and the lock are.
        supervisor.kill()
        running.release()
        #expect(try told(&watcher, 2) == ["appExited web", "podExited"])
    }

    @Test func aDataDirectoryMayComeLater() throws {
        let fixture = try DataFixture(exists: false)
        var watcher = try Watcher(fixture.source)
        try FileSystem.makeDirectory(fixture.data)
        try fixture.prepare(DataFixture.manifest("web")).finishPreparing()
        #expect(try told(&watcher, 1) == ["podPrepared"])
        // It is watched like any other from now on.
        try fixture.prepare(DataFixture.manifest("web")).finishPreparing()
        #expect(try told(&watcher, 1) == ["podPrepared"])
    }

    @Test func whatWasThereIsNothingNewThoughTheFirstLookHasFailed() throws {
        try fixture.image("example.com/old")
        let database = StoreLayout(dataDirectory: fixture.data).database
        let aside = fixture.scratch.appending("database")
        try FileSystem.rename(database, to: aside)
        try FileSystem.write([UInt8](repeating: 0x20, count: 4096), to: database)
        var watcher = try Watcher(fixture.source)
        #expect(watcher.failure != nil)
        try FileSystem.rename(aside, to: database)
        let deadline = Clock.milliseconds + 60_000
        while watcher.failure != nil, Clock.milliseconds < deadline { #expect(try watcher.next(timeout: 1000).isEmpty) }
        try fixture.image("example.com/new")
        #expect(try told(&watcher, 1) == ["imageImported example.com/new"])
    }

    @Test func imagesComeAndGo() throws {
        try fixture.image("example.com/old")
        var watcher = try Watcher(fixture.source)
        let image = try fixture.image("example.com/new")
        #expect(try told(&watcher, 1) == ["imageImported example.com/new"])
        try fixture.runtime.openImages().remove(image)
        #expect(try told(&watcher, 1) == ["imageRemoved example.com/new"])
    }

    @Test func lookingIsNoEvent() throws {
        _ = try fixture.exitedPod(DataFixture.manifest("web"))
        try fixture.image("example.com/old")
        let watch = try DataDirectoryWatch(dataDirectory: fixture.data)
        // What was there before it was watched is to be looked at once.
        #expect(try watch.wait(timeout: 5000).everything)
        _ = try fixture.source.pods([], detail: true)
        _ = try fixture.source.images([], detail: true)
        #expect(try watch.wait(timeout: 200).isEmpty)
    }
}
