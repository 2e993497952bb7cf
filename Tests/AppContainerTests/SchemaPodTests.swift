// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

/// Rules of the pod manifest's members.
struct SchemaPodTests {
    @Test(arguments: [
        ("", true), (#""apps":[]"#, true), (#""apps":[{"name":"a"}]"#, true),
        (#""apps":[{"name":"a","image":{}}]"#, true),
        (#""apps":[{"name":"a"},{"name":"b"}]"#, true), (#""apps":[{"name":"a"},{"name":"a"}]"#, false),
        (#""apps":[{"name":"example.com/a"}]"#, false), (#""apps":[{"image":{}}]"#, false), (#""apps":{}"#, false),
        (#""apps":[{"name":"a","image":[]}]"#, false),
        (#""apps":[{"name":"a","image":{"name":"example.com/a"}}]"#, true),
        (#""apps":[{"name":"a","image":{"name":"A"}}]"#, false), (#""apps":[{"name":"a","image":{"id":"x"}}]"#, false),
        (#""apps":[{"name":"a","app":{"user":"0","group":"0"}}]"#, true), (#""apps":[{"name":"a","app":{}}]"#, false),
        (#""apps":[{"name":"a","readOnlyRootFS":true}]"#, true), (#""apps":[{"name":"a","readOnlyRootFS":1}]"#, false),
        (#""userAnnotations":{"A b":"c"},"userLabels":{}"#, true), (#""userLabels":{"a":[]}"#, false),
        (#""acVersion":"x""#, false), (#""acVersion":null"#, false), (#""acKind":"ImageManifest""#, false),
        (#""isolators":[{"name":"example.com/x","value":1}]"#, true), (#""isolators":[{"name":"a"}]"#, false),
        (#""isolators":[{"name":"a","value":null}]"#, false), (#""isolators":[{"value":1}]"#, false),
    ])
    func pods(members: String, isAccepted: Bool) {
        #expect(SchemaSample.readsPod(SchemaSample.pod(members)) == isAccepted)
    }

    @Test(arguments: [
        (#""kind":"host","source":"/s""#, true), (#""kind":"host","source":"s""#, false), (#""kind":"host""#, false),
        (#""kind":"host","source":null"#, false), (#""kind":"host","source":"/s","readOnly":true"#, true),
        (#""kind":"host","source":"/s","recursive":false"#, true), (#""kind":"host","source":"/s","mode":"0"#, false),
        (#""kind":"host","source":"/s","uid":1"#, false), (#""kind":"host","source":"/s","gid":0"#, false),
        (#""kind":"host","source":"/s\u0000""#, false), (#""kind":"empty""#, true),
        (#""kind":"empty","source":"/s""#, false), (#""kind":"empty","readOnly":false,"recursive":true"#, true),
        (#""kind":"empty","mode":"1777","uid":1,"gid":2"#, true), (#""kind":"empty","mode":511"#, false),
        (#""kind":"empty","mode":"rwx""#, false), (#""kind":"empty","mode":"0o7""#, false),
        (#""kind":"empty","mode":"17777""#, false), (#""kind":"empty","uid":"0""#, false),
        (#""kind":"empty","uid":-1"#, false), (#""kind":"empty","gid":4294967295"#, false), (#""kind":"Host""#, false),
        (#""kind":null"#, false), (#""readOnly":true"#, false), (#""kind":"empty","readOnly":"no""#, false),
    ])
    func volumes(members: String, isAccepted: Bool) {
        let volume = #"{"name":"v",\#(members)}"#
        #expect(SchemaSample.readsPod(SchemaSample.pod(#""volumes":[\#(volume)]"#)) == isAccepted)
        let mount = #"{"volume":"v","path":"/v","appVolume":\#(volume)}"#
        #expect(SchemaSample.readsPod(SchemaSample.pod(#""apps":[{"name":"a","mounts":[\#(mount)]}]"#)) == isAccepted)
    }

    @Test func unsetAndFalseAreToldApart() throws {
        let list = #"[{"name":"a","kind":"empty"},{"name":"b","kind":"empty","readOnly":false,"recursive":false}]"#
        let volumes = try PodManifest(parsing: SchemaSample.pod(#""volumes":\#(list)"#).utf8).volumes
        #expect(volumes.map(\.readOnly) == [nil, false])
        #expect(volumes.map(\.recursive) == [nil, false])
        let mountPoint = MountPoint(name: "a", path: "/a", readOnly: true)
        #expect(volumes.map { $0.isReadOnly(at: mountPoint) } == [true, false])
    }

    @Test(arguments: [
        (#"{"volume":"v","path":"/v"}"#, true), (#"{"volume":"v"}"#, false), (#"{"path":"/v"}"#, false),
        (#"{"volume":"v","path":"v"}"#, false), (#"{"volume":"v","path":""}"#, false),
        (#"{"volume":"V","path":"/v"}"#, false), (#"{"volume":null,"path":"/v"}"#, false),
        (#"{"path":"/v","appVolume":{"name":"x","kind":"empty"}}"#, true),
        (#"{"volume":"v","path":"/v","appVolume":{"kind":"empty"}}"#, false),
    ])
    func mounts(element: String, isAccepted: Bool) {
        let text = SchemaSample.pod(#""apps":[{"name":"a","mounts":[\#(element)]}]"#)
        #expect(SchemaSample.readsPod(text) == isAccepted)
    }

    @Test(arguments: [
        (#""hostPort":1"#, true), (#""hostPort":65535"#, true), (#""hostPort":0"#, false),
        (#""hostPort":65536"#, false),
        (#""hostPort":"80""#, false), (#""hostPort":null"#, false), (#""hostIP":"10.0.0.1""#, false),
        (#""hostPort":1,"hostIP":"10.0.0.1""#, true), (#""hostPort":1,"hostIP":"""#, true),
        (#""hostPort":1,"hostIP":"::1""#, true), (#""hostPort":1,"hostIP":"10.0.0""#, false),
        (#""hostPort":1,"hostIP":"10.0.0.256""#, false), (#""hostPort":1,"hostIP":"a.example""#, false),
        (#""hostPort":1,"hostIP":"1.2.3.4\u0000""#, false), (#""hostPort":1,"podPort":null"#, true),
        (#""hostPort":1,"podPort":{"name":"q","protocol":"tcp","port":1}"#, true),
        (#""hostPort":1,"podPort":{"name":"q","protocol":"tcp","port":0}"#, false),
        (#""hostPort":1,"name":"A""#, false),
    ])
    func exposedPorts(members: String, isAccepted: Bool) {
        #expect(SchemaSample.readsPod(SchemaSample.pod(#""ports":[{"name":"p",\#(members)}]"#)) == isAccepted)
    }
}
