// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Downloader
import Testing

struct WebAddressTests {
    @Test(arguments: [
        ("https://Example.com", "https://example.com/"),
        ("HTTP://example.com:80/a?b#c", "http://example.com/a?b"),
        ("https://example.com:8443/a", "https://example.com:8443/a"),
        ("https://example.com:/a", "https://example.com/a"),
        ("https://[::1]:8443/", "https://[::1]:8443/"),
        ("https://user:secret@example.com/a", "https://example.com/a"),
        ("https://example.com?q=1", "https://example.com/?q=1"),
        ("https://example.com/a b/ä|%41%zz", "https://example.com/a%20b/%C3%A4%7C%41%25zz"),
    ])
    func writesAnAddressInOneWay(text: String, expected: String) throws {
        #expect(try WebAddress(text).string == expected)
    }

    @Test(arguments: [
        "", "example.com", "ftp://example.com/", "https://", "https:///a", "https://exa mple.com/", "https://a:b/",
        "https://a:0/", "https://a:65536/", "https://a/\r\nX: y", "https://-a/", "https://exämple.com/",
        "https://[::1/",
        "https://a\u{0}/",
    ])
    func refusesWhatIsNoAddress(text: String) {
        #expect(throws: WebAddress.ParseError.self) { try WebAddress(text) }
    }

    @Test func decodesCredentials() throws {
        #expect(try WebAddress("https://me:a%40b%3A@example.com/").credentials == "me:a@b:")
    }

    @Test(arguments: [
        ("https://other.org/x", "https://other.org/x"), ("//other.org/x", "https://other.org/x"),
        ("/x", "https://example.com/x"), ("x", "https://example.com/a/x"), ("../x/./y", "https://example.com/x/y"),
        ("../../../x", "https://example.com/x"), (".", "https://example.com/a/"),
        ("?y=2", "https://example.com/a/b?y=2"), ("x?u=http://y", "https://example.com/a/x?u=http://y"),
        ("#top", "https://example.com/a/b?q=1"), ("https://me:secret@other.org/", "https://other.org/"),
    ])
    func followsReferences(reference: String, expected: String) throws {
        let address = try WebAddress("https://me:secret@example.com/a/b?q=1").resolving(reference)
        #expect(address.string == expected)
        #expect(address.credentials == nil)
    }

    @Test(arguments: ["javascript:alert(1)", "file:///etc/passwd", "https://", "/a\nb"])
    func refusesOtherReferences(reference: String) throws {
        let address = try WebAddress("https://example.com/a/b")
        #expect(throws: WebAddress.ParseError.self) { try address.resolving(reference) }
    }

    @Test(arguments: [
        ("https://example.com:443/b", true), ("https://EXAMPLE.com/b", true), ("http://example.com/b", false),
        ("https://example.com:444/b", false), ("https://www.example.com/b", false),
    ])
    func knowsItsOrigin(other: String, expected: Bool) throws {
        #expect(try WebAddress("https://example.com/a").isSameOrigin(as: WebAddress(other)) == expected)
    }
}

struct ContentRangeTests {
    @Test func readsRanges() {
        #expect(ContentRange("bytes 5-9/10")?.range == 5...9)
        #expect(ContentRange("bytes 5-9/10")?.total == 10)
        #expect(ContentRange("bytes 5-9/*")?.range == 5...9)
        #expect(ContentRange("bytes */10")?.range == nil)
        #expect(ContentRange("bytes */10")?.total == 10)
    }

    @Test(arguments: [
        "", "bytes", "bytes 5-9", "bytes 9-5/10", "bytes 5-10/10", "items 5-9/10", "bytes -5-9/10", "bytes 5-9/10, 1-2",
        "bytes 99999999999999999999-99999999999999999999/*",
    ])
    func refusesOtherTexts(text: String) {
        #expect(ContentRange(text) == nil)
    }
}
