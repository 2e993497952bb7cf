// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct JSONValueTests {
    @Test(arguments: [
        ("null", "null"), (" true ", "true"), ("-0.5e+3", "-0.5e+3"), ("12345678901234567890", "12345678901234567890"),
        ("[ 1 , [ ] , { } ]", "[1,[],{}]"), (#"{"b":1,"a":2}"#, #"{"b":1,"a":2}"#),
        (#""a\/\u0041\"\\\b\f\n\r\t""#, #""a/A\"\\\u0008\u000c\n\r\t""#), (#""\ud83d\ude00""#, "\"😀\""),
        (#""\ud83d""#, "\"\u{FFFD}\""), (#""\ud83dx""#, "\"\u{FFFD}x\""), (#""\ude00""#, "\"\u{FFFD}\""),
        (#""\ud83d\u0041""#, "\"\u{FFFD}A\""), (#"{"a":1,"b":2,"a":3}"#, #"{"a":3,"b":2}"#),
    ])
    func documentsAreReadAndWrittenBack(document: String, expected: String) throws {
        #expect(try JSONValue(parsing: document.utf8).encoded() == expected)
    }

    @Test(arguments: [
        "", "  ", "nul", "truex", "01", "-", "1.", ".5", "1e", "+1", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "[1,]",
        "[1 2]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{} {}", "{}x", "\u{FEFF}{}", "\"a\nb\"", "NaN",
    ])
    func malformedDocumentsAreRefused(document: String) {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: document.utf8) }
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
        ] as [[UInt8]])
    func invalidUTF8IsRefused(bytes: [UInt8]) throws {
        let error = try #require(throws: JSONSyntaxError.self) { try JSONValue(parsing: bytes) }
        #expect(error.reason.contains("UTF-8"))
        #expect(error.column == 2)
    }

    @Test func errorsShowTheLineWithACaret() throws {
        let error = try #require(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: "{\n\t\"näme\": \"x\"\n\t\"y\": 1\n}".utf8)
        }
        #expect(error.line == 3)
        #expect(error.column == 2)
        #expect(
            error.description == """
                line 3, column 2: expected ',' or '}' after the value, found '"'
                     "y": 1
                     ^
                """)
    }

    @Test func errorsInLongLinesShowAnExcerptWithoutControlCharacters() throws {
        let document = "[" + String(repeating: "\"\u{9B}é\",", count: 500) + "x]"
        let error = try #require(throws: JSONSyntaxError.self) { try JSONValue(parsing: document.utf8) }
        #expect(error.column == 2502)
        #expect(error.excerpt.utf8.count < 200)
        #expect(Array(error.excerpt.unicodeScalars)[error.caret] == "x")
        #expect(!error.excerpt.unicodeScalars.contains("\u{9B}"))
    }

    @Test func nestingIsBounded() throws {
        let deepest = JSONValue.maximumDepth
        let brackets = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
        #expect(throws: Never.self) { try JSONValue(parsing: brackets(deepest).utf8) }
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: brackets(deepest + 1).utf8) }
        #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: String(repeating: "{\"a\":", count: 1_000_000).utf8)
        }
    }

    @Test func sizeIsBounded() throws {
        let document = [UInt8](repeating: 0x20, count: JSONValue.maximumSize + 1)
        let error = try #require(throws: JSONSyntaxError.self) { try JSONValue(parsing: document) }
        #expect(error.reason.contains("larger"))
    }

    @Test func keysAreFoldedAndExactOnesPreferred() throws {
        let value = try JSONValue(parsing: #"{"NAME":"1","Name":"2","other":"3"}"#.utf8)
        #expect(value["name"]?.string == "2")
        #expect(value["NAME"]?.string == "1")
        #expect(value["OTHER"]?.string == "3")
        #expect(value["missing"] == nil)
    }

    @Test func objectsWithManyRepeatedKeysKeepTheLastValueAndTheFirstPlace() throws {
        let members = (0..<40).map { "\"k\($0 % 20)\":\($0)" }.joined(separator: ",")
        let object = try #require(try JSONValue(parsing: "{\(members)}".utf8).object)
        #expect(object.members.map(\.key) == (0..<20).map { "k\($0)" })
        #expect(object.members.map(\.value.int) == (20..<40).map { $0 })
    }

    @Test(arguments: [("1", 1), ("-7", -7), ("1.0", nil), ("1e3", nil), ("99999999999999999999", nil)])
    func integersAreStrict(literal: String, expected: Int?) throws {
        #expect(try JSONValue(parsing: literal.utf8).int == expected)
    }

    @Test func prettyOutputIsIndentedWithTabs() {
        let value: JSONValue = ["a": [1, nil], "b": [:], "c": [], "d": ["e": "f"]]
        let expected = """
            {
            \t"a": [
            \t\t1,
            \t\tnull
            \t],
            \t"b": {},
            \t"c": [],
            \t"d": {
            \t\t"e": "f"
            \t}
            }
            """
        #expect(value.encoded(pretty: true) == expected)
    }
}
