// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HostConfiguration
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Configuration directories of a test's own.
struct ConfigurationFixture {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory() }

    /// Writes `DIRECTORY/FILE` of the system's, the host's or the user's configuration.
    func write(_ place: String, _ file: String, _ text: String) throws {
        let path = scratch.path.pushing(FilePath("\(place)/\(file)"))
        try FileSystem.makeDirectories(path.removingLastComponent())
        try FileSystem.write(text.utf8, to: path)
    }

    func read(_ kinds: [any ConfigurationKind.Type] = HostConfiguration.kinds) throws -> HostConfiguration {
        let places = ["system", "local", "user"].map { ConfigurationPlace(scratch.appending($0)) }
        return try HostConfiguration(reading: places, kinds)
    }

    static func basic(_ domains: String, user: String = "foo", password: String = "bar") -> String {
        """
        {"rktKind":"auth","rktVersion":"v1","domains":\(domains),"type":"basic",
         "credentials":{"user":"\(user)","password":"\(password)"}}
        """
    }
}

struct HostConfigurationTests {
    @Test func nothingIsConfiguredWithoutFiles() throws {
        let fixture = try ConfigurationFixture()
        let configuration = try fixture.read()
        #expect(configuration[AuthConfiguration.self].domains.isEmpty)
        #expect(configuration[PathsConfiguration.self].data == nil)
        #expect(configuration.json.encoded() == #"{"stage0":[]}"#)
    }

    @Test func credentialsAreOverriddenDomainByDomain() throws {
        let fixture = try ConfigurationFixture()
        try fixture.write(
            "system", "auth.d/coreos.json",
            """
            {"rktKind":"auth","rktVersion":"v1","domains":["coreos.com","tectonic.com","kubernetes.io"],
             "type":"oauth","credentials":{"token":"common-token"}}
            """)
        try fixture.write("local", "auth.d/a.json", ConfigurationFixture.basic(#"["coreos.com"]"#))
        try fixture.write(
            "user", "auth.d/b.json",
            """
            {"rktKind":"auth","rktVersion":"v1","domains":["tectonic.com:8443","Tectonic.com"],"type":"aws",
             "credentials":{"accessKeyID":"id","secretAccessKey":"secret"}}
            """)
        let auth = try fixture.read()[AuthConfiguration.self]
        #expect(auth.credentials(for: "kubernetes.io") == .bearer(token: "common-token"))
        #expect(auth.credentials(for: "coreos.com") == .basic(user: "foo", password: "bar"))
        #expect(
            auth.credentials(for: "tectonic.com")
                == .amazon(accessKeyID: "id", secretAccessKey: "secret", region: nil))
        #expect(auth.credentials(for: "kubernetes.io:8443") == nil)
        #expect(auth.credentials(for: "tectonic.com:8443") != nil)
    }

    @Test func pathsAndStage1AreOverriddenPartByPart() throws {
        let fixture = try ConfigurationFixture()
        try fixture.write(
            "system", "paths.d/p.json",
            #"{"rktKind":"paths","rktVersion":"v1","data":"/opt/data","stage1-images":"/opt/stage1"}"#)
        try fixture.write(
            "local", "paths.d/other.json", #"{"rktKind":"paths","rktVersion":"v1","data":"/home/me/rkt"}"#)
        try fixture.write(
            "system", "stage1.d/s.json",
            """
            {"rktKind":"stage1","rktVersion":"v1","name":"coreos.com/rkt/stage1-coreos","version":"0.15.0+git",
             "location":"/usr/libexec/rkt/stage1-coreos.aci"}
            """)
        try fixture.write(
            "user", "stage1.d/s.json",
            #"{"rktKind":"stage1","rktVersion":"v1","location":"https://example.com/stage1.aci"}"#)
        let configuration = try fixture.read()
        let paths = configuration[PathsConfiguration.self]
        #expect(paths.data == "/home/me/rkt")
        #expect(paths.stage1Images == "/opt/stage1")
        let stage1 = configuration[Stage1Configuration.self]
        #expect(stage1.identity?.name.string == "coreos.com/rkt/stage1-coreos")
        #expect(stage1.identity?.version == "0.15.0+git")
        #expect(stage1.location == "https://example.com/stage1.aci")
    }

    @Test func whatIsShownIsSplitAndCouldBeReadAgain() throws {
        let fixture = try ConfigurationFixture()
        try fixture.write(
            "local", "auth.d/basic.json",
            ConfigurationFixture.basic(#"["foo.com","bar.com"]"#, user: "sysUser", password: "sysPassword"))
        try fixture.write("user", "auth.d/basic.json", ConfigurationFixture.basic(#"["foo.com"]"#, user: "user"))
        try fixture.write(
            "local", "auth.d/docker.json",
            """
            {"rktKind":"dockerAuth","rktVersion":"v1","registries":["quay.io","gcr.io"],
             "credentials":{"user":"goo","password":"gle"}}
            """)
        try fixture.write(
            "local", "stage1.d/s.json",
            #"{"rktKind":"stage1","rktVersion":"v1","name":"a.org/s","version":"1","location":"/s.aci"}"#)
        let shown = try fixture.read().json
        #expect(
            shown.encoded() == #"{"stage0":["#
                + #"{"rktVersion":"v1","rktKind":"auth","domains":["bar.com"],"type":"basic","#
                + #""credentials":{"user":"sysUser","password":"sysPassword"}},"#
                + #"{"rktVersion":"v1","rktKind":"auth","domains":["foo.com"],"type":"basic","#
                + #""credentials":{"user":"user","password":"bar"}},"#
                + #"{"rktVersion":"v1","rktKind":"dockerAuth","registries":["gcr.io"],"#
                + #""credentials":{"user":"goo","password":"gle"}},"#
                + #"{"rktVersion":"v1","rktKind":"dockerAuth","registries":["quay.io"],"#
                + #""credentials":{"user":"goo","password":"gle"}},"#
                + #"{"rktVersion":"v1","rktKind":"stage1","name":"a.org/s","version":"1","location":"/s.aci"}]}"#)

        let copy = try ConfigurationFixture()
        let directories = ["auth": "auth.d", "dockerAuth": "auth.d", "stage1": "stage1.d"]
        for (index, entry) in (shown["stage0"]?.array ?? []).enumerated() {
            let kind = try #require(entry["rktKind"]?.string)
            try copy.write("local", "\(directories[kind] ?? "?")/\(index).json", entry.encoded())
        }
        #expect(try copy.read().json == shown)
    }

    @Test func otherFilesAndDirectoriesDoNotCount() throws {
        let fixture = try ConfigurationFixture()
        try fixture.write("local", "auth.d/README", "not JSON")
        try fixture.write("local", "auth.d/nested.json/deeper.json", "not JSON")
        try fixture.write("local", "auth.d/nested/deeper.json", "not JSON")
        try fixture.write("local", "other.d/x.json", "not JSON")
        #expect(try fixture.read().json.encoded() == #"{"stage0":[]}"#)
    }

    @Test func mistakesElsewhereDoNotKeepPathsFromBeingRead() throws {
        let fixture = try ConfigurationFixture()
        try fixture.write("local", "auth.d/x.json", "not JSON")
        try fixture.write("local", "paths.d/x.json", #"{"rktKind":"paths","rktVersion":"v1","data":"/d"}"#)
        #expect(try fixture.read([PathsConfiguration.self])[PathsConfiguration.self].data == "/d")
    }

    /// File, its text, and what the message must mention besides the file.
    static let mistakes: [(String, String, [String])] = [
        ("auth.d/x.json", "{\n  \"rktKind\": }", ["line 2, column 14"]),
        ("auth.d/x.json", "[]", ["must hold an object"]),
        ("auth.d/x.json", "{}", ["rktKind", "required"]),
        ("auth.d/x.json", #"{"rktKind":"net","rktVersion":"v1"}"#, ["rktKind", "\"net\"", "paths"]),
        ("auth.d/x.json", #"{"rktKind":"paths","rktVersion":"v1"}"#, ["paths.d"]),
        ("paths.d/x.json", #"{"rktKind":"paths","rktVersion":"v2"}"#, ["rktVersion", "\"v2\"", "v1"]),
        ("paths.d/x.json", #"{"rktKind":"paths"}"#, ["rktVersion", "required"]),
        ("paths.d/x.json", #"{"rktKind":"paths","rktVersion":"v1","data":7}"#, ["data", "a number"]),
        ("paths.d/x.json", #"{"rktKind":"paths","rktVersion":"v1","data":"rkt"}"#, ["data", "absolute"]),
        ("auth.d/x.json", ConfigurationFixture.basic("[]"), ["domains", "empty"]),
        ("auth.d/x.json", ConfigurationFixture.basic(#""coreos.com""#), ["domains", "a list"]),
        ("auth.d/x.json", ConfigurationFixture.basic(#"["a.org",""]"#), ["domains[1]", "empty"]),
        ("auth.d/x.json", ConfigurationFixture.basic(#"["https://a.org"]"#), ["domains[0]", "host"]),
        ("auth.d/x.json", ConfigurationFixture.basic(#"["a.org"]"#, user: ""), ["credentials.user", "empty"]),
        ("auth.d/x.json", ConfigurationFixture.basic(#"["a.org","A.org"]"#), ["domains[1]", "already"]),
        (
            "auth.d/x.json",
            #"{"rktKind":"auth","rktVersion":"v1","domains":["a.org"],"type":"digest","credentials":{}}"#,
            ["type", "\"digest\"", "oauth"]
        ),
        (
            "auth.d/x.json",
            #"{"rktKind":"auth","rktVersion":"v1","domains":["a.org"],"type":"oauth","credentials":{}}"#,
            ["credentials.token", "missing"]
        ),
        (
            "auth.d/x.json", #"{"rktKind":"auth","rktVersion":"v1","domains":["a.org"],"type":"oauth"}"#,
            ["credentials", "missing"]
        ),
        (
            "auth.d/x.json",
            #"{"rktKind":"dockerAuth","rktVersion":"v1","registries":["a.org"],"credentials":{"user":"u"}}"#,
            ["credentials.password"]
        ),
        ("stage1.d/x.json", #"{"rktKind":"stage1","rktVersion":"v1","name":"a.org/s"}"#, ["version", "required"]),
        ("stage1.d/x.json", #"{"rktKind":"stage1","rktVersion":"v1","version":"1"}"#, ["name", "required"]),
        ("stage1.d/x.json", #"{"rktKind":"stage1","rktVersion":"v1","name":"A b","version":"1"}"#, ["name", "A b"]),
        (
            "stage1.d/x.json", #"{"rktKind":"stage1","rktVersion":"v1","location":"s.aci"}"#,
            ["location: default stage1 image location is either a relative path or a URL without scheme", "s.aci"]
        ),
        (
            "auth.d/x.json",
            """
            {"rktKind":"dockerAuth","rktVersion":"v1","registries":["docker.io","registry-1.docker.io"],
             "credentials":{"user":"u","password":"p"}}
            """, ["registries[1]", "already"]
        ),
        (
            "hypervisor.d/x.json", #"{"rktKind":"hypervisor","rktVersion":"v1","volumes":"nfs"}"#,
            ["volumes", "\"nfs\"", "use 9p or virtiofs"]
        ),
        ("hypervisor.d/x.json", #"{"rktKind":"hypervisor","rktVersion":"v1","volumes":9}"#, ["volumes", "a number"]),
        (
            "hypervisor.d/x.json", #"{"rktKind":"hypervisor","rktVersion":"v1","interfaces":"bridge"}"#,
            ["interfaces", "\"bridge\"", "use tap or macvtap"]
        ),
    ]

    @Test(arguments: ["registry-1.docker.io", "docker.io", "index.docker.io"])
    func dockersOwnRegistryHasSeveralNames(name: String) throws {
        let fixture = try ConfigurationFixture()
        try fixture.write(
            "local", "auth.d/x.json",
            """
            {"rktKind":"dockerAuth","rktVersion":"v1","registries":["\(name)"],
             "credentials":{"user":"u","password":"p"}}
            """)
        #expect(try fixture.read()[DockerAuthConfiguration.self].login(for: "registry-1.docker.io")?.user == "u")
    }

    @Test(arguments: mistakes)
    func mistakesAreNamedWithTheirPlace(file: String, text: String, mentions: [String]) throws {
        let fixture = try ConfigurationFixture()
        try fixture.write("local", file, text)
        let error = #expect(throws: RuntimeError.self) { try fixture.read() }
        let message = error?.description ?? ""
        for word in mentions + [fixture.scratch.path.pushing(FilePath("local/\(file)")).string] {
            #expect(message.contains(word), "\(message)")
        }
    }

    @Test func oneDirectoryMayNotSayTheSameTwice() throws {
        for (file, text, word) in [
            ("auth.d", ConfigurationFixture.basic(#"["a.org"]"#), "a.org"),
            ("paths.d", #"{"rktKind":"paths","rktVersion":"v1","data":"/d"}"#, "data"),
            ("stage1.d", #"{"rktKind":"stage1","rktVersion":"v1","location":"/d"}"#, "location"),
            ("hypervisor.d", #"{"rktKind":"hypervisor","rktVersion":"v1","volumes":"9p"}"#, "volumes"),
            ("hypervisor.d", #"{"rktKind":"hypervisor","rktVersion":"v1","interfaces":"tap"}"#, "interfaces"),
        ] {
            let fixture = try ConfigurationFixture()
            try fixture.write("local", "\(file)/1.json", text)
            try fixture.write("user", "\(file)/1.json", text)
            _ = try fixture.read()
            try fixture.write("local", "\(file)/2.json", text)
            let error = #expect(throws: RuntimeError.self) { try fixture.read() }
            #expect(error?.message.contains("2.json") == true)
            #expect(error?.message.contains(word) == true)
        }
    }

    @Test func limitsAreOverriddenOneByOne() throws {
        let fixture = try ConfigurationFixture()
        func limits(_ fields: String) -> String { #"{"rktKind":"limits","rktVersion":"v1",\#(fields)}"# }
        try fixture.write("system", "limits.d/a.json", limits(#""imageEntries":10,"imageSize":20"#))
        try fixture.write("system", "limits.d/b.json", limits(#""imageExpandedSize":1099511627777"#))
        try fixture.write("local", "limits.d/a.json", limits(#""imageEntries":30"#))
        let configuration = try fixture.read()
        let read = configuration[LimitsConfiguration.self]
        #expect(read.imageEntries == 30 && read.imageExpandedSize == 1_099_511_627_777 && read.imageSize == 20)
        #expect(
            configuration.json.encoded()
                == #"{"stage0":[{"rktVersion":"v1","rktKind":"limits","imageEntries":30,"#
                + #""imageExpandedSize":1099511627777,"imageSize":20}]}"#)
    }

    /// Fields of the kind limits, and what the error says after the file's name.
    static let wrongLimits = [
        (#""imageEntries":0"#, "imageEntries: expected a whole number from 1 to 1000000000"),
        (#""imageEntries":"many""#, "imageEntries: expected a whole number from 1 to 1000000000"),
        (#""imageExpandedSize":-1"#, "imageExpandedSize: expected a whole number from 1 to 1152921504606846976"),
        (#""imageSize":1.5"#, "imageSize: expected a whole number from 1 to 1152921504606846976"),
        (#""imageSize":99999999999999999999"#, "imageSize: expected a whole number from 1 to 1152921504606846976"),
    ]

    @Test(arguments: wrongLimits)
    func refusesWrongLimits(field: String, reason: String) throws {
        let fixture = try ConfigurationFixture()
        try fixture.write("local", "limits.d/a.json", #"{"rktKind":"limits","rktVersion":"v1",\#(field)}"#)
        let file = fixture.scratch.path.pushing("local/limits.d/a.json")
        let error = #expect(throws: RuntimeError.self) { try fixture.read() }
        #expect(error?.message == "configuration file \"\(file)\": \(reason)")
    }

    @Test func refusesALimitSetTwice() throws {
        let fixture = try ConfigurationFixture()
        for file in ["a", "b"] {
            try fixture.write(
                "local", "limits.d/\(file).json", #"{"rktKind":"limits","rktVersion":"v1","imageEntries":5}"#)
        }
        let error = #expect(throws: RuntimeError.self) { try fixture.read() }
        #expect(error?.message.contains("b.json\": imageEntries: another file of this directory has set it") == true)
    }
}
