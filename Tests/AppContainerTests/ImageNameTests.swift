// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct ImageNameTests {
    @Test(
        arguments: [
            ("example.com/a", "example.com/a", [:]),
            ("example.com/a:1.0.0,channel=beta", "example.com/a", ["version": "1.0.0", "channel": "beta"]),
            ("example.com/a:", "example.com/a", ["version": ""]),
            ("example.com/a,x=b=c", "example.com/a", ["x": "b=c"]),
            ("example.com/a,x=%41", "example.com/a", ["x": "%41"]),
            ("example.com/a,%78=1", "example.com/a", ["x": "1"]),
            ("example.com/a,s=!*'();@&+$/?#[]", "example.com/a", ["s": "!*'();@&+$/?#[]"]),
            ("example.com/a,os=linux,arch=bogus", "example.com/a", ["os": "linux", "arch": "bogus"]),
            ("example.com:8080/a", "example.com", ["version": "8080/a"]),
        ] as [(String, String, KeyValuePairs<String, String>)])
    func namesAndLabelsAreSplit(text: String, name: String, labels: KeyValuePairs<String, String>) throws {
        let parsed = try ImageName(parsing: text)
        #expect(parsed.name.string == name)
        #expect(parsed.labels.map { "\($0.name)=\($0.value)" } == labels.map { "\($0.key)=\($0.value)" })
    }

    @Test(arguments: [
        "example.com/a,", "example.com/a,x", "a,b=1:2", "a:1,b=2:3", "a:1,version=2", "a,name=b", ":1", "A", "a,X=1",
        "",
        "a,b=1,b=2", "a,=1", "a,%4=1", "a:1:2",
    ])
    func badNamesAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try ImageName(parsing: text) }
    }

    @Test func printingPutsTheVersionFirstAndSortsLabels() throws {
        let name = try ImageName(parsing: "example.com/a,zone=1,arch=amd64,channel=beta,version=2,os=linux")
        #expect(name.description == "example.com/a:2,os=linux,arch=amd64,channel=beta,zone=1")
    }

    @Test(arguments: [
        ("example.com/a", true), ("example.com/a:1", true), ("example.com/a:", true), ("example.com/a:2", false),
        ("example.com/a,os=linux", true), ("example.com/a,arch=amd64", false), ("example.com/b", false),
    ])
    func imagesMatchWhenAllLabelsAskedForAreEqual(text: String, expected: Bool) throws {
        let labels: Labels = [Label(name: "version", value: "1"), Label(name: "os", value: "linux")]
        #expect(try ImageName(parsing: text).matches(name: "example.com/a", labels: labels) == expected)
    }

    @Test func anEmptyVersionCountsAsAbsent() throws {
        #expect(try ImageName(parsing: "a:").version == nil)
        #expect(try ImageName(parsing: "a:1").version == "1")
    }
}
