// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import TestSupport
import Testing

/// Redirects, and plain HTTP.
@Suite(.requiresWebServer)
struct RedirectTests {
    @Test(arguments: [301, 302, 303, 307, 308])
    func follows(status: Int) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a/b", .redirect(to: "../c?d=e", status: status))
        try fixture.server.serve("/c", .text("here"))
        let response = try fixture.get("/a/b")
        #expect(response.status == 200)
        #expect(response.url == fixture.server.url("/c?d=e"))
        #expect(String(decoding: response.body, as: UTF8.self) == "here")
    }

    @Test(arguments: [(302, "GET", ""), (303, "GET", ""), (307, "POST", "a=b"), (308, "POST", "a=b")])
    func postsAgainOnlyWhereItIsTold(status: Int, method: String, body: String) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .redirect(to: "/b", status: status))
        try fixture.server.serve("/b", .text("here"))
        _ = try fixture.get("/a") {
            $0.method = .post
            $0.body = Array("a=b".utf8)
        }
        #expect(fixture.server.requests.last?.method == method)
        #expect(fixture.server.requests.last?.bodyText == body)
    }

    @Test func givesUpOnALoop() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .redirect(to: "/a"))
        let error = fixture.failure("/a") { $0.redirects = 3 }
        #expect(error?.message == "cannot get \"\(fixture.server.url("/a"))\": it redirects more than 3 times")
        #expect(fixture.server.requests.count == 4)
    }

    @Test func handsARedirectBackWhenNoneIsToBeFollowed() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .redirect(to: "/b"))
        #expect(try fixture.get("/a") { $0.redirects = 0 }.status == 302)
    }

    @Test(arguments: ["file:///etc/passwd", "https://exa mple/", "gopher://a/"])
    func refusesOtherPlaces(location: String) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .redirect(to: location))
        #expect(try #require(fixture.failure("/a")).message.contains("it redirects to what is no URL to follow"))
    }

    // MARK: - Credentials

    private static let secrets = [HTTPField("Authorization", "Bearer x"), HTTPField("Cookie", "a=b")]

    @Test func keepsCredentialsOnTheSameHost() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .redirect(to: "/b"))
        try fixture.server.serve("/b", .text("here"))
        _ = try fixture.get("/a") { $0.fields = Self.secrets }
        #expect(fixture.server.requests.map { $0["Authorization"] } == ["Bearer x", "Bearer x"])
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func takesNoCredentialsElsewhere(host: String) throws {
        let fixture = try DownloadFixture()
        // Another host, or the same host with another port.
        let other = host == "localhost" ? try WebServer() : fixture.server
        try fixture.server.serve("/a", .redirect(to: "https://\(host):\(other.port)/b"))
        try other.serve("/b", .redirect(to: fixture.server.url("/c")))
        try fixture.server.serve("/c", .text("here"))
        _ = try fixture.get("/a") { $0.fields = Self.secrets + [HTTPField("X-Test", "yes")] }
        for request in [other.requests(of: "/b"), fixture.server.requests(of: "/c")].flatMap({ $0 }) {
            #expect(request["Authorization"] == nil)
            #expect(request["Cookie"] == nil)
            #expect(request["X-Test"] == "yes")
        }
        #expect(fixture.server.requests(of: "/c").count == 1)
    }

    // MARK: - Plain HTTP

    @Test func refusesPlainHTTP() throws {
        let fixture = try DownloadFixture(secure: false)
        try fixture.server.serve("/a", .text("here"))
        let error = fixture.failure("/a")
        #expect(
            error?.message
                == "cannot get \"\(fixture.server.url("/a"))\": plain HTTP is not secure; to allow it use "
                + "--insecure-options=http")
        #expect(error?.code == .permissionDenied)
        #expect(fixture.server.requests.isEmpty)
        #expect(try fixture.get("/a") { $0.allowsPlainHTTP = true }.status == 200)
    }

    @Test func refusesARedirectToPlainHTTP() throws {
        let fixture = try DownloadFixture()
        let plain = try WebServer(secure: false)
        try fixture.server.serve("/a", .redirect(to: plain.url("/b?token=secret")))
        try plain.serve("/b", .text("here"))
        let error = try #require(fixture.failure("/a"))
        #expect(error.message.hasPrefix("cannot get \"\(plain.url("/b?..."))\": plain HTTP is not secure"))
        #expect(plain.requests.isEmpty)
        #expect(try fixture.get("/a") { $0.allowsPlainHTTP = true }.status == 200)
    }
}
