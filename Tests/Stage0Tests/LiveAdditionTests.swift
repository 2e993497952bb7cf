// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Stage0
import Testing

struct LiveAdditionTests {
    private func plan(
        volumes: [String] = [], mounts: [String] = [], mounted: [String] = [], points: [MountPoint] = [],
        pod: [String] = [], place: Int = 7
    ) throws -> LiveAddition.Plan {
        var request = AppRequest(image: "x")
        request.name = "web"
        request.mounts = mounts
        request.mountedVolumes = mounted
        var section = App(exec: ["/hello"], user: "0", group: "0")
        section.mountPoints = points
        let image = ImageManifest(
            name: "example.com/hello",
            labels: [Label(name: "os", value: "linux"), Label(name: "arch", value: Platform.architecture)], app: section
        )
        let id = try ImageID(parsing: "sha512-" + String(repeating: "ab", count: 32))
        let manifest = PodManifest(volumes: try pod.map { try Volume(parsing: $0) })
        return try LiveAddition(request, id: id, image, volumes: volumes)
            .plan(in: manifest, place: place, Notices(isDebug: false))
    }

    @Test func volumesOfThePodAndNewOnesAreMounted() throws {
        let plan = try plan(
            volumes: ["new,kind=host,source=/srv/new", "unused,kind=empty"],
            mounts: ["volume=new,target=/n", "volume=old,target=/o", "volume=old,target=/o2"],
            pod: ["old,kind=empty", "other,kind=empty"])
        #expect(plan.app.mounts.map { "\($0.volume) \($0.path)" } == ["new /n", "old /o", "old /o2"])
        #expect(plan.newVolumes.map(\.name) == ["new"], "what is not mounted is not the pod's")
        #expect(plan.uses.map(\.volume.name).sorted { $0.string < $1.string } == ["new", "old"])
    }

    @Test func aVolumeIsReadOnlyWhereNoMountOfItCanWrite() throws {
        let points = [
            MountPoint(name: "a", path: "/a", readOnly: true), MountPoint(name: "b", path: "/b", readOnly: true),
        ]
        let plan = try plan(
            volumes: [
                "a,kind=host,source=/srv/a", "b,kind=host,source=/srv/b,readOnly=false",
                "c,kind=host,source=/srv/c,readOnly=true",
            ], mounts: ["volume=c,target=/c"], points: points)
        let readOnly = Dictionary(uniqueKeysWithValues: plan.uses.map { ($0.volume.name.string, $0.isReadOnly) })
        #expect(readOnly == ["a": true, "b": false, "c": true])
    }

    /// An app of the same name that is added later has another place, and so another volume.
    @Test func aMountPointWithoutAVolumeGetsOneOfTheAppsOwn() throws {
        let points = [MountPoint(name: "data", path: "/data")]
        #expect(try plan(points: points).newVolumes.map(\.name) == ["web-data-7"])
        #expect(try plan(points: points, place: 8).newVolumes.map(\.name) == ["web-data-8"])
    }

    @Test func aVolumeAndItsPlaceCanBeOneFlag() throws {
        let plan = try plan(
            mounted: [
                "name=a,kind=host,source=/srv/a,target=/one,readOnly=true",
                "name=a,kind=host,source=/srv/a,readOnly=true,target=/two",
                "name=b,kind=empty,mode=1777,target=/b",
            ])
        #expect(plan.app.mounts.map { "\($0.volume) \($0.path)" } == ["a /one", "a /two", "b /b"])
        #expect(
            plan.newVolumes.map(\.description) == ["a,kind=host,source=/srv/a,readOnly=true", "b,kind=empty,mode=1777"])
    }

    @Test(
        arguments: [
            "", "a", "name=a,target=/x", "name=a,kind=host,source=/srv", "kind=host,source=/srv,target=/x",
            "name=a,kind=host,source=srv,target=/x", "name=a,kind=empty,target=",
            "name=a,kind=empty,target=/x,colour=red",
        ])
    func whatIsNoVolumeWithAPlaceIsRefused(text: String) {
        let error = #expect(throws: RuntimeError.self) { try plan(mounted: [text]) }
        #expect(error?.message.hasPrefix("--mnt-volume=\(text) is not valid") == true)
    }

    @Test func anotherVolumeUnderATakenNameIsRefused() throws {
        let error = #expect(throws: RuntimeError.self) {
            try plan(
                volumes: ["a,kind=host,source=/srv/b"], mounts: ["volume=a,target=/a"],
                pod: ["a,kind=host,source=/srv/a"])
        }
        #expect(error?.message.contains("\"a\" of the pod is \"a,kind=host,source=/srv/a\"") == true)
        let same = try plan(
            volumes: ["a,kind=host,source=/srv/a"], mounts: ["volume=a,target=/a"], pod: ["a,kind=host,source=/srv/a"])
        #expect(same.newVolumes.isEmpty)
        let dangling = #expect(throws: RuntimeError.self) { try plan(mounts: ["volume=x,target=/x"]) }
        #expect(dangling?.message == "dangling mount point \"/x\": volume \"x\" not found")
        #expect(throws: RuntimeError.self) {
            try plan(volumes: ["a,kind=empty"], mounted: ["name=a,kind=host,source=/srv/a,target=/a"])
        }
    }
}
