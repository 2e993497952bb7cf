// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Testing

struct ACIdentifierTests {
    @Test(arguments: ["a", "0", "example.com/a", "a//b", "a..b", "a-/b", "a_b~c", "example.com/reduce-worker"])
    func identifiersAreAccepted(text: String) throws {
        #expect(try ACIdentifier(parsing: text).string == text)
    }

    @Test(arguments: ["", "A", "a/", "-a", "a b", "a:b", "é", "a\n", "a,b", "/"])
    func badIdentifiersAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try ACIdentifier(parsing: text) }
    }

    @Test(arguments: [("a/b-c", true), ("a//b", false), ("a-/b", false)])
    func strayingSeparatorsAreNotCanonical(text: String, canonical: Bool) throws {
        #expect(try ACIdentifier(parsing: text).isCanonical == canonical)
    }

    @Test(arguments: [("-/.App..", "app"), ("My App", "my_app"), ("example.com/a", "example.com/a"), ("é/x", "x")])
    func suggestionsResembleTheText(text: String, expected: String) throws {
        #expect(try ACIdentifier.suggest(from: text).string == expected)
    }

    @Test func nothingIsSuggestedForATextOfSeparators() {
        #expect(throws: ScalarError.self) { try ACIdentifier.suggest(from: "-/.") }
        #expect(throws: ScalarError.self) { try ACName.suggest(from: "___") }
    }
}

struct ACNameTests {
    @Test(arguments: ["a", "a-b", "a--b", "0app"])
    func namesAreAccepted(text: String) throws {
        #expect(try ACName(parsing: text).string == text)
    }

    @Test(arguments: ["", "A_b", "a.b", "a/b", "-a", "a-", "a\n", "ä"])
    func badNamesAreRefused(text: String) {
        #expect(throws: ScalarError.self) { try ACName(parsing: text) }
    }

    @Test func errorsQuoteTheTextAndSayWhatIsAllowed() throws {
        let error = try #require(throws: ScalarError.self) { try ACName(parsing: "A_b") }
        #expect(error.description == "\"A_b\" is not an AC name: it may hold only lower-case letters, digits and -")
        let hostile = try #require(throws: ScalarError.self) { try ACName(parsing: "a\u{1B}[2J") }
        #expect(!hostile.description.unicodeScalars.contains("\u{1B}"))
    }

    @Test(arguments: [("example.com/app_1", "example-com-app-1"), ("--X--", "x"), ("a b", "a-b")])
    func suggestionsResembleTheText(text: String, expected: String) throws {
        #expect(try ACName.suggest(from: text).string == expected)
    }

    @Test(arguments: [("example.com/shop/web_1", "web-1"), ("busybox", "busybox"), ("example.com/a.b", "a-b")])
    func appsAreNamedAfterTheLastPartOfTheImage(image: String, expected: String) throws {
        #expect(try ACName.suggest(forImage: ACIdentifier(parsing: image)).string == expected)
    }
}
