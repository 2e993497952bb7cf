// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import TestSupport
import Testing

/// Servers that keep a client busy or lie to it.
@Suite(.requiresWebServer) struct HostileServerTests {
    private func impatient(_ request: inout HTTPRequest) {
        request.minimumBytes = 1000
        request.window = 600
        request.attempts = 1
    }

    @Test(arguments: [false, true])
    func aBodyThatDripsIsGivenUp(toFile: Bool) throws {
        let fixture = try DownloadFixture()
        let text = String(repeating: "x", count: 5000)
        try fixture.server.serve(
            "/a",
            .text(text).with {
                $0.block = 1
                $0.pause = 50
            })
        let error: RuntimeError?
        if toFile {
            error = try fixture.file().failure(fixture, "/a") { impatient(&$0.request) }
        } else {
            error = fixture.failure("/a", impatient)
        }
        let message = try #require(error?.message)
        #expect(message.hasPrefix("cannot get \"\(fixture.server.url("/a"))\": only "))
        #expect(message.hasSuffix(", 1000 are the fewest"))
        #expect(error?.code == .timeout)
    }

    @Test func aSlowBodyThatKeepsItsPaceIsReadToItsEnd() throws {
        let fixture = try DownloadFixture()
        let text = String(repeating: "x", count: 20_000)
        try fixture.server.serve(
            "/a",
            .text(text).with {
                $0.block = 1000
                $0.pause = 100
            })
        #expect(try fixture.get("/a", impatient).body.count == 20_000)
    }

    @Test func aHeaderThatDripsIsGivenUp() throws {
        let fixture = try DownloadFixture()
        let fields = String(repeating: "X-Filler: x\r\n", count: 1000)
        try fixture.server.serve(
            "/a",
            WebAnswer().with {
                $0.raw = "HTTP/1.1 200 OK\r\n\(fields)\r\n"
                $0.block = 1
                $0.pause = 50
            })
        let error = fixture.failure("/a") {
            impatient(&$0)
            $0.patience = 1500
        }
        // The client counts from the last whole header on, or from the last byte.
        let start = "cannot get \"\(fixture.server.url("/a"))\": "
        let ends = ["the header of an answer has not come within 2 s", "no data for 1500 ms"]
        #expect(ends.contains { error?.message == start + $0 })
        #expect(error?.code == .timeout)
    }

    @Test func aHeaderWithoutEndIsGivenUp() throws {
        let fixture = try DownloadFixture()
        let field = "X-Endless: " + String(repeating: "x", count: 4 << 20)
        try fixture.server.serve("/a", WebAnswer().with { $0.raw = "HTTP/1.1 200 OK\r\n\(field)" })
        let error = fixture.failure("/a") {
            $0.attempts = 1
            $0.patience = 1500
        }
        #expect(error?.message.hasPrefix("cannot get \"\(fixture.server.url("/a"))\": ") == true)
    }

    @Test func whatComesAfterTheLengthIsNotTheBody() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("hello world").with { $0.length = 5 })
        try fixture.server.serve("/b", .text("other"))
        let file = try fixture.file()
        #expect(try file.get(fixture, "/a").length == 5)
        #expect(file.text == "hello")
        #expect(try fixture.get("/b").body == Array("other".utf8), "the rest is no answer to the next request")
    }

    @Test(arguments: ["-5", "5, 6", "0x5", "99999999999999999999", "five"])
    func aLengthThatIsNoNumberIsRefused(length: String) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve(
            "/a", WebAnswer().with { $0.raw = "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\nhello" })
        let error = fixture.failure("/a") { $0.attempts = 1 }
        #expect(error?.message.contains("cannot get \"\(fixture.server.url("/a"))\"") == true)
    }

    @Test func theRemedyEndsTheMessageOfABodyThatIsTooLarge() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", WebAnswer().with { $0.endless = true })
        let error = try fixture.file().failure(fixture, "/a") {
            $0.request.limit = 100_000
            $0.request.limitRemedy = "ask for less"
        }
        #expect(
            error?.message
                == "cannot get \"\(fixture.server.url("/a"))\": its body is larger than the 100000 bytes that are "
                + "allowed; ask for less")
    }
}
