// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct PodManifestTests {
    private static let id = "sha512-" + String(repeating: "0a", count: 32)

    private static let sample = #"""
        { "acKind": "PodManifest", "acVersion": "0.8.11",
          "apps": [ { "name": "web",
              "image": {"name":"example.org/shop/web","id":"\#(id)","labels":[{"name":"version","value":"2.1.0"}]},
              "app": {"exec":["/usr/bin/web","--port=9090"],"user":"0","group":"0",
                      "mountPoints":[{"name":"data","path":"/var/lib/web"}],
                      "ports":[{"name":"http","protocol":"tcp","port":9090}]},
              "readOnlyRootFS": true,
              "mounts": [ {"volume":"data","path":"/var/lib/web"},
                          {"volume":"tmp","path":"/tmp","appVolume":{"name":"tmp","kind":"empty","mode":"1777"}} ],
              "annotations": [ {"name":"example.org/tier","value":"front"} ] },
            { "name": "log-shipper", "image": {"id":"\#(id)"} } ],
          "volumes": [ {"name":"data","kind":"host","source":"/srv/shop","readOnly":false,"recursive":true} ],
          "isolators": [ {"name":"resource/memory","value":{"limit":"2G"}} ],
          "annotations": [ {"name":"ip-address","value":"10.1.2.3"} ],
          "ports": [ {"name":"http","hostPort":80,"hostIP":"203.0.113.23"} ] }
        """#

    @Test func theSampleIsReadAndWritten() throws {
        let manifest = try PodManifest(parsing: PodManifestTests.sample.utf8)
        let web = try #require(manifest.app(named: "web"))
        #expect(web.image.name == "example.org/shop/web")
        #expect(web.image.id?.string == PodManifestTests.id)
        #expect(web.readOnlyRootFS)
        #expect(web.mounts[1].appVolume?.modeBits == 0o1777)
        #expect(manifest.app(named: "log-shipper")?.app == nil)
        #expect(
            manifest.volumes == [
                Volume(name: "data", kind: .host(source: "/srv/shop"), readOnly: false, recursive: true)
            ])
        #expect(manifest.isolators.memoryLimit?.value == 2_000_000_000)
        #expect(manifest.annotation("ip-address") == "10.1.2.3")
        #expect(manifest.ports == [ExposedPort(name: "http", hostPort: 80, hostIP: "203.0.113.23")])
        #expect(
            manifest.encoded() == #"""
                {"acVersion":"0.8.11","acKind":"PodManifest","apps":[{"name":"web",\#
                "image":{"id":"\#(PodManifestTests.id)","name":"example.org/shop/web",\#
                "labels":[{"name":"version","value":"2.1.0"}]},\#
                "app":{"exec":["/usr/bin/web","--port=9090"],"user":"0","group":"0",\#
                "mountPoints":[{"name":"data","path":"/var/lib/web"}],\#
                "ports":[{"name":"http","protocol":"tcp","port":9090,"count":1,"socketActivated":false}]},\#
                "readOnlyRootFS":true,\#
                "mounts":[{"volume":"data","path":"/var/lib/web"},{"volume":"tmp","path":"/tmp",\#
                "appVolume":{"name":"tmp","kind":"empty","mode":"1777","uid":0,"gid":0}}],\#
                "annotations":[{"name":"example.org/tier","value":"front"}]},{"name":"log-shipper",\#
                "image":{"id":"\#(PodManifestTests.id)"}}],\#
                "volumes":[{"name":"data","kind":"host","source":"/srv/shop","readOnly":false,\#
                "recursive":true}],\#
                "isolators":[{"name":"resource/memory","value":{"limit":"2G"}}],\#
                "annotations":[{"name":"ip-address","value":"10.1.2.3"}],\#
                "ports":[{"name":"http","hostPort":80,"hostIP":"203.0.113.23"}]}
                """#)
    }

    @Test(arguments: [
        #""apps":null,"volumes":null,"isolators":null,"annotations":null,"ports":null"#,
        #""apps":[],"volumes":[],"isolators":[],"annotations":[],"ports":[]"#,
        #""apps":[],"volumes":null,"isolators":[],"annotations":null,"ports":[],"userLabels":{"a":"1","b":"2"}"#,
    ])
    func emptyListsAndNullAreToldApart(members: String) throws {
        let document = #"{"acVersion":"0.8.11","acKind":"PodManifest",\#(members)}"#
        #expect(try PodManifest(parsing: document.utf8).encoded() == document)
    }

    @Test func absentListsAreWrittenAsNull() throws {
        let manifest = try PodManifest(parsing: #"{"acKind":"PodManifest"}"#.utf8)
        #expect(manifest.acVersion.string == "0.8.11")
        #expect(manifest.encoded().contains(#""annotations":null"#))
        #expect(manifest.annotationsJSON == .null)
    }

    @Test(arguments: [
        ("apps", #"[{"name":"a","image":{}},{"name":"a","image":{}}]"#, "apps[1].name: \"a\" stands twice in the list"),
        ("apps", #"[{"image":{}}]"#, "apps[0].name: is required but missing"),
        ("apps", #"[{"name":"A","image":{}}]"#, "apps[0].name: \"A\" is not an AC name"),
        ("apps", #"[{"name":"a","image":{"id":""}}]"#, "apps[0].image.id: \"\" is not an image ID"),
        ("apps", #"[{"name":"a","image":{"id":null}}]"#, "apps[0].image.id"),
        (
            "apps", #"[{"name":"a","image":{"labels":[{"name":"os","value":"x"}]}}]"#,
            "apps[0].image.labels: \"x\" is not a known os"
        ),
        ("apps", #"[{"name":"a","mounts":[{"volume":"v"}]}]"#, "apps[0].mounts[0].path: is required but missing"),
        ("apps", #"[{"name":"a","mounts":[{"path":"/v"}]}]"#, "apps[0].mounts[0].volume: is required but missing"),
        ("apps", #"[{"name":"a","app":{"user":"0"}}]"#, "apps[0].app.group: is required but missing"),
        ("volumes", #"[{"name":"v","kind":"tape"}]"#, "volumes[0].kind: \"tape\" is unknown: expected host or empty"),
        ("volumes", #"[{"name":"v"}]"#, "volumes[0].kind: is required but missing"),
        ("volumes", #"[{"name":"v","kind":"host"}]"#, "volumes[0].source: must be an absolute path"),
        ("volumes", #"[{"name":"v","kind":"host","source":"srv"}]"#, "volumes[0].source: must be an absolute path"),
        (
            "volumes", #"[{"name":"v","kind":"host","source":"/s","mode":"0755"}]"#,
            "volumes[0].mode: is allowed only for"
        ),
        ("volumes", #"[{"name":"v","kind":"host","source":"/s","uid":0}]"#, "volumes[0].uid: is allowed only for"),
        ("volumes", #"[{"name":"v","kind":"empty","source":"/s"}]"#, "volumes[0].source: is allowed only for"),
        ("volumes", #"[{"name":"v","kind":"empty","mode":755}]"#, "volumes[0].mode: expected a string, found a number"),
        ("volumes", #"[{"name":"v","kind":"empty","mode":"0789"}]"#, "volumes[0].mode: \"0789\" is not an octal mode"),
        (
            "volumes", #"[{"name":"v","kind":"empty","uid":"root"}]"#,
            "volumes[0].uid: expected a number, found a string"
        ),
        (
            "volumes", #"[{"name":"v","kind":"empty"},{"name":"v","kind":"empty"}]"#,
            "volumes[1].name: \"v\" stands twice"
        ),
        ("ports", #"[{"name":"p"}]"#, "ports[0].hostPort: is required but missing"),
        ("ports", #"[{"name":"p","hostPort":0}]"#, "ports[0].hostPort: expected an integer from 1 to 65535, found 0"),
        (
            "ports", #"[{"name":"p","hostPort":1,"hostIP":"localhost"}]"#,
            "ports[0].hostIP: \"localhost\" is not an IP address"
        ),
        (
            "isolators", #"[{"name":"os/linux/oom-score-adj","value":1},{"name":"os/linux/oom-score-adj","value":2}]"#,
            "isolators[1]: os/linux/oom-score-adj may stand only once"
        ),
        ("annotations", #"[{"name":"A","value":""}]"#, "annotations[0].name: \"A\" is not an AC identifier"),
    ])
    func brokenRulesNameTheField(key: String, value: String, expected: String) throws {
        let text = #"{"acKind":"PodManifest","acVersion":"0.8.11","\#(key)":\#(value)}"#
        let error = try #require(throws: ManifestError.self) { try PodManifest(parsing: text.utf8) }
        #expect(error.description.contains(expected))
    }

    @Test(arguments: [
        #""hostIP":"""#, #""hostIP":"::1""#, #""hostIP":"10.0.0.1""#,
        #""podPort":{"name":"q","protocol":"tcp","port":1}"#,
    ])
    func exposedPortsMayHaveAnyAddress(member: String) throws {
        let text = #"{"acKind":"PodManifest","ports":[{"name":"p","hostPort":1,\#(member)}]}"#
        #expect(try PodManifest(parsing: text.utf8).ports.count == 1)
    }

    @Test func emptyVolumesAreWrittenWithTheirDefaults() throws {
        let text = #"{"acKind":"PodManifest","volumes":[{"name":"v","kind":"empty"}]}"#
        #expect(
            try PodManifest(parsing: text.utf8).encoded()
                .contains(#"{"name":"v","kind":"empty","mode":"0755","uid":0,"gid":0}"#))
    }
}

struct ForwardedPortTests {
    private func pod(_ exposed: [ExposedPort], second: [Port] = []) -> PodManifest {
        let first = [
            Port(name: "http", protocol: "tcp", port: 80), Port(name: "rtp", protocol: "udp", port: 5000, count: 10),
            Port(name: "admin", protocol: "tcp", port: 81),
        ]
        return PodManifest(
            apps: [
                RuntimeApp(name: "a", image: RuntimeImage(id: nil), app: App(exec: [], ports: first)),
                RuntimeApp(name: "b", image: RuntimeImage(id: nil), app: App(exec: [], ports: second)),
            ], ports: exposed)
    }

    @Test func rangesAreForwardedAsAWhole() throws {
        let ports = try pod([ExposedPort(name: "rtp", hostPort: 7000)]).forwardedPorts { $0.app }
        #expect(ports.map(\.hostRange) == [7000...7009])
        #expect(ports.map(\.port.port) == [5000])
    }

    @Test func anExplicitPortNeedsNoDeclaration() throws {
        let own = Port(name: "x", protocol: "tcp", port: 9)
        let ports = try pod([ExposedPort(name: "y", hostPort: 9, podPort: own)]).forwardedPorts { $0.app }
        #expect(ports.map(\.port) == [own])
    }

    @Test(arguments: [
        ([ExposedPort(name: "nothing", hostPort: 1)], "port name \"nothing\" could not be found in any apps"),
        ([ExposedPort(name: "http", hostPort: 8), ExposedPort(name: "admin", hostPort: 8)], "both use port 8/tcp"),
        (
            [ExposedPort(name: "http", hostPort: 8, hostIP: "10.0.0.1"), ExposedPort(name: "admin", hostPort: 8)],
            "both use"
        ),
        ([ExposedPort(name: "rtp", hostPort: 65530)], "end beyond 65535"),
        ([ExposedPort(name: "twice", hostPort: 8)], "ambiguous: the apps a and b"),
    ])
    func conflictsAreRefused(exposed: [ExposedPort], expected: String) throws {
        var manifest = pod(exposed, second: [Port(name: "twice", protocol: "tcp", port: 1)])
        manifest.apps[0].app?.ports.append(Port(name: "twice", protocol: "tcp", port: 2))
        let error = try #require(throws: ManifestError.self) { try manifest.forwardedPorts { $0.app } }
        #expect(error.description.contains(expected))
    }

    @Test(arguments: [
        [
            ExposedPort(name: "http", hostPort: 8, hostIP: "10.0.0.1"),
            ExposedPort(name: "admin", hostPort: 8, hostIP: "10.0.0.2"),
        ],
        [ExposedPort(name: "http", hostPort: 8), ExposedPort(name: "rtp", hostPort: 8)],
    ])
    func differentAddressesOrProtocolsDoNotConflict(exposed: [ExposedPort]) throws {
        #expect(try pod(exposed).forwardedPorts { $0.app }.count == 2)
    }
}

struct PartialManifestTests {
    @Test func imagesThatBreakRulesAreStillNamed() throws {
        let labels = #"[{"name":"version","value":"1"},3]"#
        let text = #"{"acKind":"ImageManifest","acVersion":"x","name":"BAD NAME","labels":\#(labels),"app":7}"#
        let manifest = try PartialImageManifest(parsing: text.utf8)
        #expect(manifest.name == "BAD NAME")
        #expect(manifest.acVersion == "x")
        #expect(manifest.label("version") == "1")
    }

    @Test func podsThatBreakRulesStillListTheirApps() throws {
        let text = #"{"acKind":"PodManifest","apps":[{"name":"A","image":{"id":"x","name":5}},{}],"volumes":"?"}"#
        let apps = try PartialPodManifest(parsing: text.utf8).apps
        #expect(apps.map(\.name) == ["A", ""])
        #expect(apps.map(\.imageID) == ["x", ""])
    }

    @Test(arguments: [#"{"acKind":"PodManifest"}"#, "{", #"{}"#, "[]"])
    func otherDocumentsAreRefused(text: String) {
        #expect(throws: ManifestError.self) { try PartialImageManifest(parsing: text.utf8) }
    }
}
