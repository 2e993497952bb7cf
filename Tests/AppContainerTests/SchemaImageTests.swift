// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

/// Rules of the image manifest's members.
struct SchemaImageTests {
    @Test(
        arguments: [
            ("linux", "amd64 i386 aarch64 aarch64_be armv6l armv7l armv7b ppc64 ppc64le s390x"),
            ("freebsd", "amd64 i386 arm"), ("darwin", "x86_64 i386"),
        ])
    func everyKnownPlatformIsAccepted(system: String, architectures: String) {
        let all =
            ["amd64", "arm64", "arm", "x86_64", "i386", "aarch64", "aarch64_be", "armv6l", "armv7l", "armv7b"]
            + ["ppc64", "ppc64le", "s390x", "386", "", "AMD64"]
        for architecture in all {
            let labels = #"[{"name":"arch","value":"\#(architecture)"},{"name":"os","value":"\#(system)"}]"#
            let isKnown = architectures.split(separator: " ").contains(architecture[...])
            #expect(SchemaSample.readsImage(SchemaSample.image(#""labels":\#(labels)"#)) == isKnown)
            let dependency = #""dependencies":[{"imageName":"a","labels":\#(labels)}]"#
            #expect(SchemaSample.readsImage(SchemaSample.image(dependency)) == isKnown)
            let reference = #""apps":[{"name":"a","image":{"labels":\#(labels)}}]"#
            #expect(SchemaSample.readsPod(SchemaSample.pod(reference)) == isKnown)
        }
    }

    @Test(arguments: [
        (#"[{"name":"os","value":"linux"}]"#, true), (#"[{"name":"os","value":"windows"}]"#, false),
        (#"[{"name":"os","value":"Linux"}]"#, false), (#"[{"name":"os","value":""}]"#, false),
        (#"[{"name":"os"}]"#, false), (#"[{"name":"arch","value":"bogus"}]"#, true), (#"[{"name":"arch"}]"#, true),
        (#"[{"name":"a//b","value":"x y"}]"#, true), (#"[{"name":"names"}]"#, true), (#"[{"name":"name"}]"#, false),
        (#"[{"name":"a"},{"name":"b"}]"#, true), (#"[{"name":"a","value":"1"},{"name":"a","value":"2"}]"#, false),
        (#"[{"name":"A"}]"#, false), (#"[{"name":""}]"#, false), (#"[{"value":"x"}]"#, false), ("[]", true),
    ])
    func labels(list: String, isAccepted: Bool) {
        #expect(SchemaSample.readsImage(SchemaSample.image(#""labels":\#(list)"#)) == isAccepted)
    }

    @Test(arguments: [
        ("", true), (#""exec":["/a","$HOME"]"#, true), (#""exec":[]"#, true), (#""exec":null"#, true),
        (#""exec":[1]"#, false), (#""exec":"/a""#, false), (#""user":"""#, false), (#""group":"""#, false),
        (#""user":null"#, false), (#""user":0"#, false), (#""user":"/bin/sh","group":"/bin/sh""#, true),
        (#""supplementaryGIDs":[0,44]"#, true), (#""supplementaryGids":[44]"#, true),
        (#""supplementaryGIDs":[-1]"#, false), (#""supplementaryGIDs":["44"]"#, false),
        (#""supplementaryGIDs":[4.4]"#, false), (#""workingDirectory":"""#, true),
        (#""workingDirectory":"/a/../b""#, true), (#""workingDirectory":"a""#, false),
        (#""workingDirectory":"./a""#, false), (#""userLabels":{"Any Key!":"v"},"userAnnotations":{"":""}"#, true),
        (#""userLabels":{"a":1}"#, false), (#""userAnnotations":[]"#, false), (#""userLabels":{"a":null}"#, true),
        (#""environment":[{"name":"A"}]"#, true), (#""environment":[{"value":"A"}]"#, false),
        (#""environment":[{"name":"A"},{"name":"a"}]"#, true), (#""environment":[{"name":"A"},{"name":"A"}]"#, false),
        (#""environment":[{"name":"A","value":"$B \u00e9"}]"#, true),
    ])
    func apps(members: String, isAccepted: Bool) {
        #expect(SchemaSample.readsImage(SchemaSample.app(members)) == isAccepted)
    }

    @Test(arguments: ["user", "group"])
    func appsNeedAUserAndAGroup(key: String) {
        #expect(!SchemaSample.readsImage(SchemaSample.image(#""app":{"\#(key)":"0"}"#)))
    }

    @Test(arguments: [
        (#"[{"name":"pre-start","exec":["/a"]},{"name":"post-stop"}]"#, true), (#"[{"name":"pre-start"}]"#, true),
        (#"[{"name":"post-start"}]"#, false), (#"[{"name":"Pre-Start"}]"#, false), (#"[{"exec":["/a"]}]"#, false),
        (#"[{"name":"pre-start"},{"name":"pre-start"}]"#, false),
        (#"[{"name":"post-stop"},{"name":"pre-start"},{"name":"post-stop"}]"#, false),
    ])
    func eventHandlers(list: String, isAccepted: Bool) {
        #expect(SchemaSample.readsImage(SchemaSample.app(#""eventHandlers":\#(list)"#)) == isAccepted)
    }

    @Test(arguments: [
        (#""port":1"#, true), (#""port":65535"#, true), (#""port":65535,"count":1"#, true),
        (#""port":65535,"count":0"#, true), (#""port":65535,"count":2"#, false), (#""port":1,"count":65535"#, true),
        (#""port":1,"count":65536"#, false), (#""port":0"#, false), (#""port":65536"#, false), (#""port":-1"#, false),
        (#""port":"80""#, false), (#""port":80.0"#, false), (#""count":1"#, false), (#""port":80,"count":-1"#, false),
        (#""port":80,"count":4294967296"#, false), (#""port":80,"socketActivated":true"#, true),
        (#""port":80,"socketActivated":"true""#, false), (#""port":80,"socketActivated":null"#, true),
        (#""port":80,"name":"a.b""#, false), (#""port":80,"name":"a--b""#, true),
        (#""port":80,"protocol":"sctp""#, true),
    ])
    func ports(members: String, isAccepted: Bool) {
        let text = SchemaSample.app(#""ports":[{"name":"p","protocol":"tcp",\#(members)}]"#)
        #expect(SchemaSample.readsImage(text) == isAccepted)
    }

    @Test(arguments: [
        (#"{"name":"a","path":"/a"}"#, true), (#"{"name":"a","path":"/a","readOnly":true}"#, true),
        (#"{"name":"a","path":"a"}"#, false), (#"{"name":"a","path":""}"#, false), (#"{"name":"a"}"#, false),
        (#"{"path":"/a"}"#, false), (#"{"name":"a_b","path":"/a"}"#, false),
        (#"{"name":"a","path":"/a\u0000"}"#, false),
        (#"{"name":"a","path":"/a","readOnly":1}"#, false),
    ])
    func mountPoints(element: String, isAccepted: Bool) {
        #expect(SchemaSample.readsImage(SchemaSample.app(#""mountPoints":[\#(element)]"#)) == isAccepted)
    }

    @Test(arguments: [
        (#"{"imageName":"a"}"#, true), (#"{"imagename":"a","size":0}"#, true), (#"{"imageName":"A"}"#, false),
        (#"{"labels":[]}"#, false), (#"{"imageName":"a","imageID":"md5-00"}"#, false),
        (#"{"imageName":"a","imageID":""}"#, false), (#"{"imageName":"a","labels":[{"name":"name"}]}"#, false),
        (#"{"imageName":"a","imageID":"sha512-\#(String(repeating: "0a", count: 64))"}"#, true),
        (#"{"imageName":"a","imageID":"sha512-\#(String(repeating: "0A", count: 64))"}"#, true),
    ])
    func dependencies(element: String, isAccepted: Bool) {
        #expect(SchemaSample.readsImage(SchemaSample.image(#""dependencies":[\#(element)]"#)) == isAccepted)
    }

    @Test(arguments: [
        (#"[{"name":"created","value":"2017-05-02T08:00:00.5+01:00"}]"#, true),
        (#"[{"name":"created","value":"2017-05-02T08:00:00z"}]"#, false),
        (#"[{"name":"created","value":"2017-05-02 08:00:00Z"}]"#, false), (#"[{"name":"created"}]"#, false),
        (#"[{"name":"authors","value":"any \"text\""}]"#, true), (#"[{"name":"authors"}]"#, true),
        (#"[{"name":"appc.io/executor/supports-systemd-notify","value":"maybe"}]"#, true),
        (#"[{"name":"a"},{"name":"a"}]"#, false), (#"[{"name":"A"}]"#, false), (#"[{"value":"a"}]"#, false),
    ])
    func annotations(list: String, isAccepted: Bool) {
        #expect(SchemaSample.readsImage(SchemaSample.image(#""annotations":\#(list)"#)) == isAccepted)
        #expect(SchemaSample.readsPod(SchemaSample.pod(#""annotations":\#(list)"#)) == isAccepted)
        #expect(SchemaSample.readsPod(SchemaSample.pod(#""apps":[{"name":"a","annotations":\#(list)}]"#)) == isAccepted)
    }

    @Test(arguments: ["1", "t", "T", "TRUE", "true", "True"])
    func wordsForTrue(word: String) throws {
        #expect(BooleanWord.value(word) == true)
        #expect(try MountPoint(parsing: "a,path=/a,readOnly=\(word)").readOnly)
    }

    @Test(arguments: ["0", "f", "F", "FALSE", "false", "False"])
    func wordsForFalse(word: String) throws {
        #expect(BooleanWord.value(word) == false)
        #expect(try !MountPoint(parsing: "a,path=/a,readOnly=\(word)").readOnly)
    }

    @Test(arguments: ["", "yes", "tRUE", "01", " 1", "on"])
    func otherWordsAreRefused(word: String) {
        #expect(BooleanWord.value(word) == nil)
        #expect(throws: ScalarError.self) { try MountPoint(parsing: "a,path=/a,readOnly=\(word)") }
    }
}
