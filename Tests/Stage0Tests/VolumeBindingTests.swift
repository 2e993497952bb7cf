// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import Stage0
import Testing

struct VolumeBindingTests {
    private func build(
        volumes: [String] = [], podMounts: [String] = [], mounts: [String] = [], points: [MountPoint] = [],
        annotations: Annotations = []
    ) throws -> PodManifest {
        var request = PodRequest()
        request.volumes = volumes
        request.mounts = podMounts
        var app = AppRequest(image: "x")
        app.mounts = mounts
        request.apps = [app]
        var section = App(exec: ["/hello"], user: "0", group: "0")
        section.mountPoints = points
        let image = ImageManifest(
            name: "example.com/hello",
            labels: [Label(name: "os", value: "linux"), Label(name: "arch", value: Platform.architecture)],
            app: section,
            annotations: annotations)
        let id = try ImageID(parsing: "sha512-" + String(repeating: "ab", count: 32))
        return try PodManifestBuilder(request).build([(id: id, manifest: image)], Notices(isDebug: true))
    }

    private func places(_ manifest: PodManifest) -> [String] {
        manifest.apps.flatMap(\.mounts).map { "\($0.volume) \($0.path)" }
    }

    @Test func mountPointsGetTheVolumeOfTheirName() throws {
        let manifest = try build(
            volumes: ["db,kind=host,source=/srv/db"], points: [MountPoint(name: "db", path: "/var/db")])
        #expect(places(manifest) == ["db /var/db"])
        #expect(manifest.volumes.map(\.description) == ["db,kind=host,source=/srv/db"])
    }

    @Test func mountPointsWithoutAVolumeGetAnEmptyOne() throws {
        let manifest = try build(
            volumes: ["hello-db,kind=empty"], points: [MountPoint(name: "db", path: "/var/db")])
        #expect(places(manifest) == ["hello-db-implicit /var/db"])
        #expect(manifest.volumes.last?.kind == .emptyDefault)
    }

    @Test func onlyImplicitVolumesOfDockersImagesAreFilled() throws {
        let points = [MountPoint(name: "db", path: "/var/db"), MountPoint(name: "log", path: "/var/log")]
        let docker: Annotations = [Annotation(name: "appc.io/docker/repository", value: "library/x")]
        func filled(_ annotations: Annotations) throws -> String? {
            try build(volumes: ["log,kind=empty"], points: points, annotations: annotations)
                .annotation("coreos.com/rkt/stage1/filled-volumes")
        }
        #expect(try filled(docker) == "hello-db")
        #expect(try filled([]) == nil)
    }

    @Test func mountsOfAnAppWinOverThoseOfThePodAndOverMountPoints() throws {
        let manifest = try build(
            volumes: ["a,kind=empty", "b,kind=empty"], podMounts: ["volume=b,target=other/../b//"],
            mounts: ["volume=a,target=/var/db"], points: [MountPoint(name: "db", path: "/var/db/")])
        #expect(places(manifest) == ["a /var/db", "b /b"])
    }

    @Test func theSameMountTwiceIsOne() throws {
        let manifest = try build(
            volumes: ["a,kind=empty"], podMounts: ["volume=a,target=/x"], mounts: ["volume=a,target=/y/../x"])
        #expect(places(manifest) == ["a /x"])
    }

    @Test(
        arguments: [
            (["a,kind=empty", "a,kind=empty"], [], "duplicate volume name \"a\""),
            ([], ["volume=a,target=/x"], "dangling mount point \"/x\": volume \"a\" not found"),
            (["a,kind=empty"], ["volume=a,target=/x", "volume=a,target=/x/y"], "inside volume"),
            (["a,kind=empty", "b,kind=empty"], ["volume=a,target=/x", "volume=b,target=/x"], "\"a\" and \"b\" at /x"),
            (["a,kind=empty"], ["volume=a,target=/.."], "over its whole root"),
            (["a,kind=empty"], ["volume=a,target=/x,other=y"], "expected volume=NAME,target=PATH"),
            (["a,kind=empty"], ["volume=a,volume=a,target=/x"], "expected volume=NAME,target=PATH"),
            (["a,kind=empty"], ["volume=A B,target=/x"], "--mount=volume=A B,target=/x is not valid"),
            (["a,kind=else"], [], "--volume=a,kind=else is not valid"),
        ] as [([String], [String], String)])
    func whatCannotBeIsRefused(volumes: [String], mounts: [String], reason: String) {
        let error = #expect(throws: RuntimeError.self) { try build(volumes: volumes, mounts: mounts) }
        #expect(error?.message.contains(reason) == true)
    }
}
