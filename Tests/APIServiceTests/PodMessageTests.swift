// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import APIService
import AppContainer
import PodStore
import RktAPI
import Stage0
import Testing

/// A pod of values.
enum SomePod {
    static let uuid = "0a1b2c3d-0000-4000-8000-000000000001"
    static let imageID = "sha512-" + String(repeating: "a", count: 64)
    static let manifest = """
        {"acVersion":"0.8.11","acKind":"PodManifest","apps":[\
        {"name":"web","image":{"name":"example.com/web","id":"\(imageID)"},\
        "annotations":[{"name":"app-note","value":"blue"}]},\
        {"name":"log","image":{"id":"sha512-\(String(repeating: "b", count: 64))"}}],\
        "annotations":[{"name":"note","value":"1"},{"name":"other","value":"2"}],\
        "userAnnotations":{"who":"me"},"userLabels":{"tier":"front"}}
        """

    static func facts(_ state: PodState = .running, cgroup: String = "/machine/pod") throws -> PodFacts {
        let manifest = try PodManifest(parsing: Array(manifest.utf8))
        var status = PodStatus(try PodUUID(parsing: uuid), state)
        status.createdAt = 1_000_000_001
        status.startedAt = 2_000_000_002
        status.markedAt = 3_000_000_003
        status.pid = 42
        status.networks = try JSONValue(
            parsing: Array(
                #"[{"netName":"default","ip":"172.16.28.2"},{"netName":"default","ip":"fd00::2"},{"netName":"other"}]"#
                    .utf8))
        var web = AppStatus("web", "example.com/web:1.2", try ImageID(parsing: imageID), .exited)
        web.startedAt = 5
        web.finishedAt = 6
        web.exitStatus = 3
        var log = AppStatus(
            "log", "example.com/log", try ImageID(parsing: "sha512-" + String(repeating: "b", count: 64)), .running)
        log.startedAt = 7
        status.apps = [web, log]
        status.userAnnotations = manifest.userAnnotations
        status.userLabels = manifest.userLabels
        return PodFacts(status: status, manifest: manifest, controlGroup: cgroup)
    }
}

struct PodMessageTests {
    @Test func everythingKnownIsThere() throws {
        let pod = V1alpha_Pod(try SomePod.facts())
        #expect(pod.id == SomePod.uuid)
        #expect(pod.pid == 42)
        #expect(pod.state == .running)
        #expect([pod.createdAt, pod.startedAt, pod.gcMarkedAt] == [1_000_000_001, 2_000_000_002, 3_000_000_003])
        #expect(pod.cgroup == "/machine/pod")
        #expect(pod.annotations.map(\.key) == ["note", "other"])
        #expect(pod.userAnnotations == [V1alpha_KeyValue("who", "me")])
        #expect(pod.userLabels == [V1alpha_KeyValue("tier", "front")])
        #expect(pod.manifest.isEmpty)
        let web = try #require(pod.apps.first)
        #expect([web.name, web.image.name, web.image.version] == ["web", "example.com/web", "1.2"])
        #expect(web.image.id == SomePod.imageID)
        #expect(web.state == .exited)
        #expect(web.exitCode == 3)
        #expect([web.startedAt, web.finishedAt] == [5, 6])
        #expect(web.annotations == [V1alpha_KeyValue("app-note", "blue")])
        #expect(pod.apps.last?.image.version == "")
        #expect(pod.apps.last?.state == .running)
    }

    @Test func addressesOfANetworkAreOneEntry() throws {
        let networks = V1alpha_Pod(try SomePod.facts()).networks
        #expect(networks.map(\.name) == ["default", "other"])
        #expect(networks.map(\.ipv4) == ["172.16.28.2", ""])
        #expect(networks.map(\.ipv6) == ["fd00::2", ""])
    }

    @Test func detailsAreManifests() throws {
        var facts = try SomePod.facts()
        facts.encodedManifest = "{}"
        facts.imageManifests = ["log": Array("[]".utf8)]
        let pod = V1alpha_Pod(facts)
        #expect(String(decoding: pod.manifest, as: UTF8.self) == "{}")
        #expect(pod.apps.map { String(decoding: $0.image.manifest, as: UTF8.self) } == ["", "[]"])
    }

    @Test func everyStateHasItsWord() {
        let words = PodState.allCases.map { V1alpha_PodState($0) }
        #expect(
            words == [
                .embryo, .preparing, .abortedPrepare, .prepared, .running, .exited, .deleting, .garbage, .deleting,
                .garbage,
            ])
    }

    @Test func controlGroupIsThatOfSystemdOrTheUnifiedOne() {
        let hybrid = "12:cpu:/a\n1:name=systemd:/user.slice/b:c\n0::/d\n"
        #expect(ControlGroupText.path(in: hybrid) == "/user.slice/b:c")
        #expect(ControlGroupText.path(in: "12:cpu:/a\n0::/d\n") == "/d")
        #expect(ControlGroupText.path(in: "12:cpu:/a\n") == nil)
        #expect(ControlGroupText.isBelow("/a/b", "/a"))
        #expect(ControlGroupText.isBelow("/a", "/a"))
        #expect(!ControlGroupText.isBelow("/ab", "/a"))
        #expect(!ControlGroupText.isBelow("/a", ""))
    }
}
