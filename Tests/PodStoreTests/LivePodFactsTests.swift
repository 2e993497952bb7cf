// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import SystemPackage
import Testing

struct LivePodFactsTests {
    private func manifest(_ apps: [ACName], isMutable: Bool = true) throws -> PodManifest {
        let id = try ImageID(parsing: "sha512-" + String(repeating: "ab", count: 32))
        return PodManifest(
            apps: apps.map { RuntimeApp(name: $0, image: RuntimeImage(id: id)) },
            annotations: [Annotation(name: PodAnnotation.mutable, value: "\(isMutable)")])
    }

    @Test func appsThatAreNotCompleteAreInNoListing() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        for app in ["one", "two"] { try FileSystem.makeDirectories(pod.layout.appInfo(app)) }
        try FileSystem.write([], to: pod.layout.appIncomplete("two"))
        try FileSystem.write(manifest(["one", "two"]).encoded().utf8, to: pod.layout.manifest)
        #expect(try pod.manifest().apps.map(\.name) == ["one", "two"], "it is not mutable, whatever it says")
        try FileSystem.makeDirectory(pod.layout.live)
        #expect(try pod.manifest().apps.map(\.name) == ["one"])
        #expect(try pod.isMutable(pod.manifest()))
        #expect(try !pod.isMutable(manifest([], isMutable: false)))
    }

    @Test func anAppThatWasAddedHasTimesOfItsOwn() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        try FileSystem.write("1\n".utf8, to: pod.layout.pidFile)
        #expect(pod.startedAt(of: "one") == pod.startedAt, "it is in the pod from its start")
        try FileSystem.makeDirectories(pod.layout.appInfo("one"))
        try FileSystem.write("7\n".utf8, to: pod.layout.appPlace("one"))
        try FileSystem.write([], to: pod.layout.appCreated("one"))
        #expect(pod.layout.place(of: "one") == 7)
        #expect(pod.supervisor == 1)
        #expect(pod.startedAt(of: "one") == nil)
        #expect(try pod.createdAt(of: "one") == FileSystem.status(pod.layout.appCreated("one")).modificationTime)
        try FileSystem.write([], to: pod.layout.appStarted("one"))
        #expect(try pod.startedAt(of: "one") == FileSystem.status(pod.layout.appStarted("one")).modificationTime)
    }

    @Test func addingAppsDoesNotMakeAPodYounger() throws {
        let scratch = try ScratchStore()
        let pod = try scratch.exitedPod()
        try FileSystem.write("[]\n".utf8, to: pod.layout.images)
        let time = try FileSystem.status(pod.layout.images).modificationTime
        // A later time, however coarse the clock of the file system is.
        repeat {
            try FileSystem.write(manifest(["one"]).encoded().utf8, to: pod.layout.manifest)
        } while try FileSystem.status(pod.layout.manifest).modificationTime == time
        #expect(pod.createdAt != time)
        try FileSystem.makeDirectory(pod.layout.live)
        #expect(pod.createdAt == time)
    }

    @Test func noPlaceIsGivenTwice() throws {
        let scratch = try ScratchStore()
        let layout = try scratch.exitedPod().layout
        #expect(try (0..<3).map { _ in try layout.takePlace() } == [1, 2, 3])
        try FileSystem.write("x".utf8, to: layout.liveCount)
        let error = #expect(throws: RuntimeError.self) { try layout.takePlace() }
        #expect(error?.message.contains("live-count") == true)
    }

    @Test func volumesAreReadAsTheyWereWritten() throws {
        let scratch = try ScratchStore()
        let layout = try scratch.exitedPod().layout
        #expect(try LiveVolumes(reading: layout) == LiveVolumes())
        var volumes = LiveVolumes()
        volumes.places["data"] = .init(place: 3, kind: .directory, isReadOnly: false)
        volumes.places["key"] = .init(place: 4, kind: .file, isReadOnly: true)
        try volumes.write(to: layout)
        #expect(try LiveVolumes(reading: layout) == volumes)
        let text = try FileSystem.readText(layout.liveVolumes)
        #expect(
            text == #"{"data":{"place":3,"kind":"directory"},"key":{"place":4,"kind":"file","readOnly":true}}"# + "\n")
        for broken in ["[]", #"{"a":{"place":0,"kind":"file"}}"#, #"{"a":{"place":1,"kind":"socket"}}"#] {
            try FileSystem.write(broken.utf8, to: layout.liveVolumes)
            #expect(throws: RuntimeError.self, "\(broken)") { try LiveVolumes(reading: layout) }
        }
    }
}
