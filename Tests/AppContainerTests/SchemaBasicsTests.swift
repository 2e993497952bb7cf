// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

/// Scalar types and JSON rules (appc 0.8.11 as existing images rely on it).
struct SchemaBasicsTests {
    @Test(arguments: [
        // Keys fold, unknown ones are ignored, of repeated ones the last counts.
        (#""NAME":"example.com/b""#, true), (#""frobnicate":[{"x":null}]"#, true), (#""name":"BAD""#, false),
        (#""name":"BAD","name":"ok""#, true), (#""acVersion":"1","acversion":"0.8.11""#, false),
        // Null is the same as absent for lists, objects and free texts, an error for validated texts.
        (#""labels":null,"app":null,"dependencies":null,"pathWhitelist":null,"annotations":null"#, true),
        (#""labels":[{"name":"a","value":null}]"#, true), (#""name":null"#, false), (#""acVersion":null"#, false),
        (#""acKind":null"#, false), (#""labels":[{"name":null,"value":"a"}]"#, false),
        (#""dependencies":[{"imageName":null}]"#, false),
        (#""dependencies":[{"imageName":"a","imageID":null}]"#, false),
        (#""annotations":[{"name":null}]"#, false),
        // Types are strict.
        (#""labels":[null]"#, false), (#""labels":[{"name":"a","value":1}]"#, false), (#""name":1"#, false),
        (#""app":[]"#, false), (#""pathWhitelist":"/a""#, false), (#""annotations":{"created":"x"}"#, false),
    ])
    func membersOfAnImage(members: String, isAccepted: Bool) {
        #expect(SchemaSample.readsImage(SchemaSample.image(members)) == isAccepted)
    }

    @Test(arguments: [
        ("0", true), ("1", true), ("9223372036854775807", true), ("null", true), ("1.5", false), ("1.0", false),
        ("1e3", false), ("1E0", false), ("-1", false), ("-0", false), ("\"1\"", false), ("true", false), ("[1]", false),
        ("99999999999999999999", false),
    ])
    func unsignedNumbers(literal: String, isAccepted: Bool) {
        let text = SchemaSample.image(#""dependencies":[{"imageName":"a","size":\#(literal)}]"#)
        #expect(SchemaSample.readsImage(text) == isAccepted)
    }

    @Test(arguments: ["", " \n\t\r"])
    func blanksMayFollowTheDocument(tail: String) {
        #expect(SchemaSample.readsImage(SchemaSample.image("") + tail))
    }

    @Test(arguments: ["{}", "x", ",", "]", "null", "\u{0}", "\u{FEFF}"])
    func nothingElseMayFollowTheDocument(tail: String) {
        #expect(!SchemaSample.readsImage(SchemaSample.image("") + tail))
    }

    @Test(arguments: [
        ("ImageManifest", true), ("imagemanifest", false), ("IMAGEMANIFEST", false), ("PodManifest", false),
        ("Image", false), ("", false),
    ])
    func kinds(kind: String, isAccepted: Bool) {
        #expect(SchemaSample.readsImage(SchemaSample.image(#""acKind":"\#(kind)""#)) == isAccepted)
    }

    @Test(arguments: ["acKind", "acVersion", "name"])
    func requiredMembersMustBeThere(key: String) {
        #expect(!SchemaSample.readsImage(SchemaSample.image("").split(separator: key).joined(separator: "x")))
    }

    @Test(
        arguments: [
            ("{\n  \"a\": 1,\n  \"b\" 2\n}", 3, 7, "expected ':'"), ("{\"a\":1,}", 1, 8, "expected a key in quotes"),
            ("[1,\n2,\n,3]", 3, 1, "expected a value"), ("{\"ä\":tru}", 1, 9, "expected true"),
            ("\"a\nb\"", 1, 3, "control character"), ("{} x", 1, 4, "after the document"),
            ("", 1, 1, "the document is empty"), ("\r\n{", 2, 2, "the end of the document"),
            ("{\"a\":01}", 1, 6, "must not begin with 0"), ("\"\\q\"", 1, 3, "unknown escape"),
        ] as [(String, Int, Int, String)])
    func syntaxErrorsTellLineAndColumn(text: String, line: Int, column: Int, reason: String) throws {
        let error = try #require(throws: JSONSyntaxError.self) { try JSONValue(parsing: text.utf8) }
        #expect(error.line == line)
        #expect(error.column == column)
        #expect(error.reason.contains(reason))
        let manifest = try #require(throws: ManifestError.self) { try ImageManifest(parsing: text.utf8) }
        #expect(manifest.description.contains("line \(line), column \(column): "))
        #expect(manifest.description.hasSuffix("^"))
    }

    @Test(arguments: [
        ("A", true), ("_", true), ("_a.b-C1", true), ("z9", true), ("", false), ("1A", false), (".a", false),
        ("-a", false), ("A B", false), ("A=B", false), ("Ä", false), ("A\\n", false), ("A\\u0000", false),
    ])
    func environmentNames(name: String, isAccepted: Bool) {
        let text = SchemaSample.app(#""environment":[{"name":"\#(name)","value":"x"}]"#)
        #expect(SchemaSample.readsImage(text) == isAccepted)
    }

    @Test(arguments: [
        ("http://a", true), ("HTTPS://a/b?c", true), ("hTTp:", true), ("https:///", true), ("ftp://a", false),
        ("example.org", false), ("//a", false), ("", false), ("http", false), ("http://a b", false),
    ])
    func webAddresses(url: String, isAccepted: Bool) {
        for name in ["homepage", "documentation"] {
            let list = #""annotations":[{"name":"\#(name)","value":"\#(url)"}]"#
            #expect(SchemaSample.readsImage(SchemaSample.image(list)) == isAccepted)
            #expect(SchemaSample.readsPod(SchemaSample.pod(list)) == isAccepted)
            #expect(SchemaSample.readsPod(SchemaSample.pod(#""apps":[{"name":"a",\#(list)}]"#)) == isAccepted)
        }
    }

    @Test(arguments: [("0.1.0", false), ("0.8.11", false), ("1.0.0", true), ("2.0.0-a", true)])
    func anotherMajorVersionIsWarnedOf(version: String, isWarned: Bool) throws {
        let text = #""acVersion":"\#(version)""#
        #expect(try ImageManifest(parsing: SchemaSample.image(text).utf8).warnings.isEmpty != isWarned)
        #expect(try PodManifest(parsing: SchemaSample.pod(text).utf8).warnings.isEmpty != isWarned)
    }
}
