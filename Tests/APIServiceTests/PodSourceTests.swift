// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import AppContainer
import Diagnostics
import LinuxPlatform
import PodStore
import RktAPI
import SystemPackage
import TestSupport
import Testing

struct PodSourceTests {
    private let fixture: DataFixture
    private var source: PodSource { fixture.source }

    init() throws { fixture = try DataFixture() }

    @Test func podsAreListedByUUIDWithWhatTheirDirectoriesTell() throws {
        let pods = try (0..<3).map { _ in try fixture.exitedPod(DataFixture.manifest("web", "log")) }
        let first = try #require(pods.first)
        try FileSystem.makeDirectories(first.layout.statuses)
        try FileSystem.write("3\n".utf8, to: first.layout.status("log"))
        let list = try source.pods([], detail: false)
        #expect(list.map(\.id) == pods.map(\.uuid.description).sorted())
        let pod = try #require(list.first { $0.id == first.uuid.description })
        #expect(pod.state == .exited)
        #expect(pod.apps.map(\.name) == ["web", "log"])
        #expect(pod.apps.map(\.exitCode) == [0, 3])
        #expect(pod.annotations == [V1alpha_KeyValue("note", "1")])
        #expect(pod.createdAt > 0)
        #expect(pod.manifest.isEmpty)
    }

    @Test func detailsAddManifestsOnly() throws {
        let pod = try fixture.exitedPod(DataFixture.manifest("web"))
        try FileSystem.makeDirectories(pod.layout.appInfo("web"))
        let manifest = TarFixture.manifest(name: "example.com/other", version: "7")
        try FileSystem.write(manifest.utf8, to: pod.layout.imageManifest("web"))
        let plain = try #require(try source.pods([], detail: false).first)
        var detailed = try #require(try source.pods([], detail: true).first)
        #expect(String(decoding: detailed.manifest, as: UTF8.self) == (try pod.manifest().encoded()))
        #expect(String(decoding: detailed.apps[0].image.manifest, as: UTF8.self) == manifest)
        #expect(detailed.apps[0].image.version == "7")
        #expect(try source.pod(String(pod.uuid.description.prefix(9))) == detailed)
        detailed.manifest = plain.manifest
        detailed.apps[0].image.manifest = plain.apps[0].image.manifest
        #expect(detailed == plain)
    }

    @Test func anAppIsThereOnceItHasBeenAddedThoughTheManifestIsTheSame() throws {
        let text = DataFixture.manifest("web", annotation: "true")
            .replacing(#""name":"note""#, with: #""name":"\#(PodAnnotation.mutable)""#)
        let pod = try fixture.exitedPod(text)
        for directory in [pod.layout.live, pod.layout.appInfo("web")] { try FileSystem.makeDirectories(directory) }
        try FileSystem.write([], to: pod.layout.appIncomplete("web"))
        #expect(try source.pods([], detail: false).map(\.apps.count) == [0])
        try FileSystem.remove(pod.layout.appIncomplete("web"))
        #expect(try source.pods([], detail: false).map(\.apps.count) == [1])
    }

    @Test func aDamagedPodDoesNotHideTheOthers() throws {
        let whole = try fixture.exitedPod(DataFixture.manifest("web"))
        let none = try fixture.exitedPod(nil)
        let cut = try fixture.exitedPod(#"{"acVersion":"0.8.11","acKind":"PodMa"#)
        let directory = try fixture.exitedPod(nil)
        try FileSystem.makeDirectory(directory.layout.manifest)
        // A file where a directory is expected, and a name that is no UUID.
        let run = fixture.runtime.pods.directory(of: .run)
        let file = PodUUID().description
        try FileSystem.write([], to: run.appending(file))
        try FileSystem.makeDirectory(run.appending("not-a-pod"))
        let list = try source.pods([], detail: true)
        let pods = [whole, none, cut, directory].map(\.uuid.description)
        #expect(Set(list.map(\.id)).isSuperset(of: pods))
        #expect(Set(list.map(\.id)).subtracting(pods).isSubset(of: [file]))
        for pod in list where pod.id != whole.uuid.description {
            #expect(pod.apps.isEmpty)
            #expect(pod.manifest.isEmpty)
        }
        var filter = V1alpha_PodFilter()
        filter.appNames = ["web"]
        #expect(try source.pods([filter], detail: false).map(\.id) == [whole.uuid.description])
        filter.appNames = []
        filter.ids = [cut.uuid.description]
        filter.states = [.exited]
        #expect(try source.pods([filter], detail: false).map(\.id) == [cut.uuid.description])
    }

    @Test func filtersAreAlternatives() throws {
        let one = try fixture.exitedPod(DataFixture.manifest("web"))
        let two = try fixture.exitedPod(DataFixture.manifest("log"))
        _ = try fixture.exitedPod(DataFixture.manifest("mail"))
        var web = V1alpha_PodFilter()
        web.appNames = ["web"]
        var byID = V1alpha_PodFilter()
        byID.ids = [two.uuid.description]
        let found = try source.pods([web, byID], detail: false).map(\.id)
        #expect(found == [one, two].map(\.uuid.description).sorted())
    }

    @Test func aManifestThatChangesIsReadAgain() throws {
        let handle = try fixture.prepare(DataFixture.manifest("web", annotation: "1"))
        #expect(try source.pods([], detail: false).first?.annotations.map(\.value) == ["1"])
        try FileSystem.writeAtomically(
            DataFixture.manifest("web", annotation: "2").utf8, to: handle.layout.manifest)
        #expect(try source.pods([], detail: false).first?.annotations.map(\.value) == ["2"])
        handle.release()
    }

    @Test func aMissingDataDirectoryHasNothing() throws {
        let fixture = try DataFixture(exists: false)
        #expect(try fixture.source.pods([], detail: true).isEmpty)
        #expect(try fixture.source.images([], detail: true).isEmpty)
        #expect(!FileSystem.exists(fixture.data))
        let error = #expect(throws: RuntimeError.self) { try fixture.source.pod("ab") }
        #expect(error?.description == "problem retrieving pod: no matches found for \"ab\"")
    }

    @Test func imagesAreThoseOfTheStore() throws {
        let web = try fixture.image(
            "example.com/web", extra: #","annotations":[{"name":"note","value":"blue"}]"#)
        let log = try fixture.image("example.com/log")
        let list = try source.images([], detail: false)
        #expect(list.map(\.id) == [web.id.key, log.id.key].sorted())
        let image = try #require(list.first { $0.name == "example.com/web" })
        #expect(image.version == "1.0.0")
        #expect(image.size == web.size)
        #expect(image.annotations == [V1alpha_KeyValue("note", "blue")])
        #expect(image.manifest.isEmpty)
        #expect(image.baseFormat.type == .appc)
        let whole = try source.image(String(web.id.key.prefix(20)))
        #expect(String(decoding: whole.manifest, as: UTF8.self).contains("blue"))
        var filter = V1alpha_ImageFilter()
        filter.baseNames = ["log"]
        #expect(try source.images([filter], detail: false).map(\.id) == [log.id.key])
    }

    @Test func aStoreThatHasTakenTheOthersPlaceIsRead() throws {
        try fixture.image("example.com/web")
        #expect(try source.images([], detail: false).map(\.name) == ["example.com/web"])
        try FileSystem.removeTree(fixture.data.appending("cas"))
        #expect(try source.images([], detail: false).isEmpty)
        try fixture.image("example.com/log")
        #expect(try source.images([], detail: false).map(\.name) == ["example.com/log"])
    }

    @Test func theCacheKeepsToItsBound() {
        let cache = BoundedCache<Int, String>(limit: 10)
        for number in 0..<100 { #expect(cache.value(number) { ("\(number)", cost: 3) } == "\(number)") }
        #expect(cache.cost <= 10)
        #expect(cache.value(99) { ("made again", cost: 3) } == "99")
        #expect(cache.value(0) { ("made again", cost: 3) } == "made again")
        #expect(cache.value(1000) { ("too large", cost: 11) } == "too large")
        #expect(cache.cost <= 10)
    }
}
