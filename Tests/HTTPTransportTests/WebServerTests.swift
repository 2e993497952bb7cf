// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// The server that other tests rely on.
@Suite(.requiresWebServer)
struct WebServerTests {
    /// What a shell script of an independent client says.
    private func python(_ script: String, _ environment: [String: String]) async throws -> String {
        let scratch = try ScratchDirectory()
        let process = try HostProcess(
            try #require(Program.path(of: "python3")), ["-c", "import urllib.request as r\n" + script],
            environment: environment, log: scratch.appending("python"))
        let outcome = try await process.end()
        return outcome.output + (outcome.error.split(separator: "\n").last.map(String.init) ?? "")
    }

    @Test func servesPagesInTheirOrderAndTellsWhatItHasSeen() async throws {
        let server = try WebServer()
        try server.serve("/a", .text("one"), .text("two"))
        let text = try await python(
            "for i in range(3): print(r.urlopen('\(server.url("/a?x=\\(1)"))').read().decode())",
            WebServer.environment())
        #expect(text == "one\ntwo\ntwo\n")
        #expect(server.requests(of: "/a").count == 3)
        #expect(server.requests.first?.url == server.url("/a?x=\\(1)"))
        #expect(server.requests.first?["host"] == "localhost:\(server.port)")
    }

    @Test func posesAsAnyHost() async throws {
        let server = try WebServer(secure: false)
        try server.serve("https://example.com/a", .text("one"))
        try server.serve("http://example.org/a", .text("two"))
        let text = try await python(
            "for u in ['https://example.com/a', 'http://example.org/a']: print(r.urlopen(u).read().decode())",
            server.proxyEnvironment())
        #expect(text == "one\ntwo\n")
        #expect(
            server.requests.map(\.url) == ["example.com:443", "https://example.com/a", "http://example.org/a"])
    }

    @Test(arguments: [
        (WebCertificates.Kind.expired, "certificate has expired"), (.otherHost, "Hostname mismatch"),
        (.selfSigned, "self-signed certificate"),
    ])
    func showsCertificatesThatAreWrong(kind: WebCertificates.Kind, complaint: String) async throws {
        let server = try WebServer(certificate: kind)
        let text = try await python("r.urlopen('\(server.base)')", WebServer.environment())
        #expect(text.contains(complaint))
    }
}
