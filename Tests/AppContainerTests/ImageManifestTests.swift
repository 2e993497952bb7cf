// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct ImageManifestTests {
    private static let sample = #"""
        { "acKind": "ImageManifest", "acVersion": "0.8.11", "name": "example.org/shop/web",
          "labels": [ {"name":"version","value":"2.1.0"}, {"name":"os","value":"linux"},
                      {"name":"arch","value":"aarch64"} ],
          "app": { "exec": ["/usr/bin/web","--port=8080"], "user": "www", "group": "www", "supplementaryGIDs": [44],
            "workingDirectory": "/srv", "environment": [ {"name":"MODE","value":"prod"} ],
            "eventHandlers": [ {"name":"pre-start","exec":["/usr/bin/warmup"]},
                               {"name":"post-stop","exec":["/usr/bin/flush","-v"]} ],
            "isolators": [ {"name":"resource/memory","value":{"limit":"512Mi"}},
                           {"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_NET_BIND_SERVICE"]}},
                           {"name":"os/linux/no-new-privileges","value":true} ],
            "mountPoints": [ {"name":"data","path":"/var/lib/web","readOnly":false} ],
            "ports": [ {"name":"http","protocol":"tcp","port":8080},
                       {"name":"rtp","protocol":"udp","port":20000,"count":100} ],
            "userLabels": {"Team":"shop"} },
          "dependencies": [ {"imageName":"example.org/base","labels":[{"name":"os","value":"linux"}],"size":4194304} ],
          "pathWhitelist": ["/usr/bin/web","/usr/bin/warmup","/usr/bin/flush","/srv","/etc/passwd","/etc/group"],
          "annotations": [ {"name":"created","value":"2017-05-02T08:00:00Z"},
                           {"name":"homepage","value":"https://example.org"} ] }
        """#

    @Test func theSampleIsRead() throws {
        let manifest = try ImageManifest(parsing: ImageManifestTests.sample.utf8)
        #expect(manifest.name == "example.org/shop/web")
        #expect(manifest.acVersion.string == "0.8.11")
        #expect(manifest.version == "2.1.0")
        #expect(manifest.label("arch") == "aarch64")
        #expect(manifest.annotation("homepage") == "https://example.org")
        #expect(
            manifest.dependencies == [
                .init(imageName: "example.org/base", labels: [Label(name: "os", value: "linux")], size: 4_194_304)
            ])
        #expect(manifest.pathWhitelist.count == 6)
        #expect(manifest.warnings.isEmpty)
        let app = try #require(manifest.app)
        #expect(app.exec == ["/usr/bin/web", "--port=8080"])
        #expect(app.user == "www")
        #expect(app.supplementaryGIDs == [44])
        #expect(app.handler(for: .preStart) == ["/usr/bin/warmup"])
        #expect(app.handler(for: .postStop) == ["/usr/bin/flush", "-v"])
        #expect(app.environment["MODE"] == "prod")
        #expect(app.isolators.memoryLimit?.value == 512 << 20)
        #expect(app.isolators.noNewPrivileges)
        #expect(app.mountPoints == [MountPoint(name: "data", path: "/var/lib/web")])
        #expect(app.ports.map(\.range) == [8080...8080, 20000...20099])
        #expect(app.userLabels == ["Team": "shop"])
    }

    @Test func encodingFollowsTheSchemaAndLeavesOutWhatIsEmpty() throws {
        let manifest = try ImageManifest(parsing: ImageManifestTests.sample.utf8)
        #expect(
            manifest.encoded(pretty: false)
                == #"""
                {"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.org/shop/web",\#
                "labels":[{"name":"version","value":"2.1.0"},{"name":"os","value":"linux"},{"name":"arch",\#
                "value":"aarch64"}],\#
                "app":{"exec":["/usr/bin/web","--port=8080"],"user":"www","group":"www",\#
                "supplementaryGIDs":[44],\#
                "eventHandlers":[{"name":"pre-start","exec":["/usr/bin/warmup"]},{"name":"post-stop",\#
                "exec":["/usr/bin/flush","-v"]}],\#
                "workingDirectory":"/srv","environment":[{"name":"MODE","value":"prod"}],\#
                "isolators":[{"name":"resource/memory","value":{"limit":"512Mi"}},\#
                {"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_NET_BIND_SERVICE"]}},\#
                {"name":"os/linux/no-new-privileges","value":true}],\#
                "mountPoints":[{"name":"data","path":"/var/lib/web"}],\#
                "ports":[{"name":"http","protocol":"tcp","port":8080,"count":1,"socketActivated":false},\#
                {"name":"rtp","protocol":"udp","port":20000,"count":100,"socketActivated":false}],\#
                "userLabels":{"Team":"shop"}},\#
                "dependencies":[{"imageName":"example.org/base","labels":[{"name":"os","value":"linux"}],\#
                "size":4194304}],\#
                "pathWhitelist":["/usr/bin/web","/usr/bin/warmup","/usr/bin/flush","/srv","/etc/passwd",\#
                "/etc/group"],\#
                "annotations":[{"name":"created","value":"2017-05-02T08:00:00Z"},{"name":"homepage",\#
                "value":"https://example.org"}]}
                """#
        )
        #expect(try ImageManifest(parsing: manifest.encoded(pretty: true).utf8) == manifest)
    }

    @Test func damagedDocumentsAreRefusedOrReadTheSameAgain() throws {
        let sample = Array(ImageManifestTests.sample.utf8)
        var accepted = 0
        for position in stride(from: 0, to: sample.count, by: 3) {
            for byte in "\"\\{}[],:0-x".utf8.map({ $0 }) + [0, 0xFF, 0xE2] {
                var damaged = sample
                damaged[position] = byte
                guard let manifest = try? ImageManifest(parsing: damaged) else { continue }
                accepted += 1
                #expect(try ImageManifest(parsing: manifest.encoded().utf8) == manifest)
            }
            #expect(throws: ManifestError.self) { try ImageManifest(parsing: sample[..<position]) }
        }
        #expect(accepted > 100)
    }

    @Test func whatIsNeverSetIsWrittenAsTheSchemaSays() {
        let bare = ImageManifest(
            name: "a", app: App(exec: [], eventHandlers: [EventHandler(event: .preStart, exec: [])]))
        #expect(
            bare.encoded() == #"""
                {"acKind":"ImageManifest","acVersion":"0.8.11","name":"a","app":{"exec":null,\#
                "user":"0","group":"0","eventHandlers":[{"name":"pre-start","exec":null}]}}
                """#)
    }

    @Test func keysAreFoldedAndUnknownOnesIgnored() throws {
        let manifest = try ImageManifest(parsing: image(#""supplementaryGids":[1,2],"frobnicate":{}"#).utf8)
        #expect(manifest.app?.supplementaryGIDs == [1, 2])
    }

    @Test(arguments: [
        "{}", "[]", "null", #"{"acKind":"PodManifest","acVersion":"0.8.11","name":"a"}"#,
        #"{"acKind":"imagemanifest","acVersion":"0.8.11","name":"a"}"#, #"{"acKind":"ImageManifest","name":"a"}"#,
        #"{"acKind":"ImageManifest","acVersion":"0.8.11"}"#,
        #"{"acKind":"ImageManifest","acVersion":"0.8.11","name":null}"#,
        #"{"acKind":"ImageManifest","acVersion":null,"name":"a"}"#,
        #"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"a"}{}"#,
        #"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"a","labels":{}}"#,
    ])
    func badDocumentsAreRefused(document: String) {
        #expect(throws: ManifestError.self) { try ImageManifest(parsing: document.utf8) }
    }

    @Test(arguments: [
        ("", "labels", #"[{"name":"A","value":""}]"#, "labels[0].name: \"A\" is not an AC identifier"),
        ("", "labels", #"[{"value":""}]"#, "labels[0].name: is required but missing"),
        ("", "labels", #"[{"name":"name","value":""}]"#, "labels[0].name: a label must not be called \"name\""),
        ("", "labels", #"[{"name":"a"},{"name":"a"}]"#, "labels[1].name: \"a\" stands twice in the list"),
        ("", "labels", #"["a"]"#, "labels[0]: expected an object, found a string"),
        ("", "labels", #"[{"name":"os","value":"plan9"}]"#, "labels: \"plan9\" is not a known os"),
        (
            "", "labels", #"[{"name":"os","value":"linux"},{"name":"arch","value":"x86_64"}]"#,
            "labels: \"x86_64\" is not a known arch"
        ),
        ("", "labels", #"[{"name":"os"}]"#, "labels: \"\" is not a known os"),
        (
            "", "annotations", #"[{"name":"created","value":"yesterday"}]"#,
            "annotations[0].value: \"yesterday\" is not a timestamp"
        ),
        ("", "annotations", #"[{"name":"created"}]"#, "annotations[0].value: \"\" is not a timestamp"),
        (
            "", "annotations", #"[{"name":"homepage","value":"ftp://a"}]"#,
            "annotations[0].value: \"ftp://a\" is not an http or https URL"
        ),
        ("", "annotations", #"[{"name":"b"},{"name":"b"}]"#, "annotations[1].name: \"b\" stands twice in the list"),
        ("", "dependencies", "[{}]", "dependencies[0].imageName: is required but missing"),
        (
            "", "dependencies", #"[{"imageName":"a","imageID":"sha512-zz"}]"#,
            "dependencies[0].imageID: \"sha512-zz\" is not an image ID"
        ),
        ("", "dependencies", #"[{"imageName":"a","size":-1}]"#, "dependencies[0].size: expected an integer from 0"),
        ("", "dependencies", #"[{"imageName":"a","size":1.0}]"#, "found 1.0"),
        ("", "pathWhitelist", "[1]", "pathWhitelist[0]: expected a string, found a number"),
        ("app", "user", "\"\"", "app.user: must not be empty"),
        ("app", "group", "null", "app.group: expected a string, found null"),
        ("app", "exec", "\"/a\"", "app.exec: expected a list, found a string"),
        ("app", "exec", #"["/a",1]"#, "app.exec[1]: expected a string, found a number"),
        ("app", "exec", #"["/a\u0000b"]"#, "app.exec[0]: must not contain a NUL character"),
        ("app", "supplementaryGIDs", "[-1]", "app.supplementaryGIDs[0]: expected an integer from 0"),
        ("app", "supplementaryGIDs", "[1e3]", "found 1e3"),
        ("app", "workingDirectory", "\"srv\"", "app.workingDirectory: \"srv\" is not an absolute path"),
        ("app", "eventHandlers", #"[{"name":"pre-stop"}]"#, "app.eventHandlers[0].name: \"pre-stop\" is unknown"),
        (
            "app", "eventHandlers", #"[{"name":"pre-start"},{"name":"pre-start"}]"#,
            "app.eventHandlers: pre-start stands twice"
        ),
        (
            "app", "environment", #"[{"name":"1A","value":""}]"#,
            "app.environment[0].name: \"1A\" is not an environment variable name"
        ),
        ("app", "environment", #"[{"name":"A=B"}]"#, "app.environment[0].name"),
        (
            "app", "environment", #"[{"name":"A"},{"name":"A"}]"#,
            "app.environment[1].name: \"A\" stands twice in the list"
        ),
        (
            "app", "mountPoints", #"[{"name":"a","path":"/a"},{"name":"A_b","path":"/b"}]"#,
            "app.mountPoints[1].name: \"A_b\" is not an AC name: "
        ),
        ("app", "mountPoints", #"[{"name":"a","path":"b"}]"#, "app.mountPoints[0].path: \"b\" is not an absolute path"),
        ("app", "mountPoints", #"[{"name":"a"}]"#, "app.mountPoints[0].path: is required but missing"),
        (
            "app", "mountPoints", #"[{"name":"a","path":"/b","readOnly":"true"}]"#,
            "app.mountPoints[0].readOnly: expected true or false"
        ),
        ("app", "ports", #"[{"name":"a","protocol":"tcp","port":0}]"#, "app.ports[0]: port 0 is not within 1 to 65535"),
        ("app", "ports", #"[{"name":"a","protocol":"tcp","port":65536}]"#, "app.ports[0]: port 65536"),
        (
            "app", "ports", #"[{"name":"a","protocol":"tcp","port":65535,"count":2}]"#,
            "app.ports[0]: 2 ports from 65535 on end beyond 65535"
        ),
        ("app", "ports", #"[{"name":"a","protocol":"tcp"}]"#, "app.ports[0].port: is required but missing"),
        ("app", "userLabels", #"{"a\u001b":1}"#, "app.userLabels.\"a\\u{1b}\": expected a string, found a number"),
        (
            "app", "isolators", #"[{"name":"resource/memory","value":{"limit":"1K"}}]"#,
            "app.isolators[0].value.limit: \"1K\" is not a quantity"
        ),
    ])
    func brokenRulesNameTheField(section: String, key: String, value: String, expected: String) throws {
        let text = section.isEmpty ? image("", extra: ",\"\(key)\":\(value)") : image("\"\(key)\":\(value)")
        let error = try #require(throws: ManifestError.self) { try ImageManifest(parsing: text.utf8) }
        #expect(error.description.contains(expected))
    }

    @Test(arguments: [
        #""exec":null,"environment":null,"ports":null,"isolators":null,"userLabels":null"#, #""exec":[]"#,
        #""workingDirectory":"""#, #""ports":[{"name":"a","protocol":"sctp","port":1,"count":0}]"#,
        #""ports":[{"name":"a","protocol":"tcp","port":65535}]"#, #""eventHandlers":[{"name":"post-stop"}]"#,
        #""environment":[{"name":"_a.b-C1"}]"#,
    ])
    func unusualButValidAppsAreAccepted(members: String) {
        #expect(throws: Never.self) { try ImageManifest(parsing: image(members).utf8) }
    }

    @Test func architecturesWithoutAnOperatingSystemAreNotChecked() throws {
        let labels = #","labels":[{"name":"arch","value":"bogus"},{"name":"version"}]"#
        let manifest = try ImageManifest(parsing: image("", extra: labels).utf8)
        #expect(manifest.version == nil)
        #expect(manifest.label("version") == "")
    }

    @Test func otherMajorVersionsAndUnknownIsolatorsAreReported() throws {
        let text = image(#""isolators":[{"name":"example.com/x","value":{"a":1}}]"#)
            .replacingVersion("1.0.0")
        let manifest = try ImageManifest(parsing: text.utf8)
        #expect(manifest.warnings.count == 2)
        #expect(manifest.warnings[0].contains("1.0.0"))
        #expect(manifest.warnings[1].contains("example.com/x"))
        #expect(manifest.encoded().contains(#"{"name":"example.com/x","value":{"a":1}}"#))
    }

    @Test func syntaxErrorsShowThePlace() throws {
        let error = try #require(throws: ManifestError.self) { try ImageManifest(parsing: "{\n x}".utf8) }
        #expect(error.description.hasPrefix("malformed JSON: line 2, column 2: expected a key in quotes, found 'x'\n"))
    }
}

/// An image manifest with these members in its app section.
private func image(_ appMembers: String, extra: String = "") -> String {
    // Members given last count, so that tests can replace user and group.
    let app = #"{"user":"0","group":"0""# + (appMembers.isEmpty ? "" : "," + appMembers) + "}"
    return #"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a","app":\#(app)\#(extra)}"#
}

extension String {
    fileprivate func replacingVersion(_ version: String) -> String {
        split(separator: "0.8.11").joined(separator: version)
    }
}
