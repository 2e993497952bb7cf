// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import LinuxPlatform
import TestSupport
import Testing

/// Certificates, proxies, and connections that do not come about.
@Suite(.requiresWebServer)
struct ConnectionTests {
    @Test(arguments: [
        (WebCertificates.Kind.expired, "its certificate has expired"),
        (.otherHost, "its certificate is for another host"),
        (.selfSigned, "its certificate is signed by nobody but itself"),
    ])
    func saysWhatIsWrongWithACertificate(kind: WebCertificates.Kind, reason: String) throws {
        let fixture = try DownloadFixture(certificate: kind)
        try fixture.server.serve("/a", .text("here"))
        let error = fixture.failure("/a")
        #expect(
            error?.message == "cannot connect to \"\(fixture.server.url("/a"))\": \(reason); to connect regardless use "
                + "--insecure-options=tls")
        #expect(error?.code == .untrusted)
        #expect(fixture.server.requests.isEmpty)
        #expect(fixture.trace.filter { $0.hasPrefix("GET") }.count == 1, "a certificate does not get better")
        #expect(try fixture.get("/a") { $0.verifiesServer = false }.status == 200)
    }

    @Test func trustsOnlyNamedAuthorities() throws {
        let fixture = try DownloadFixture(environment: [:])
        #expect(
            try #require(fixture.failure("/a")).message.contains(
                "issued by an authority that is not trusted; to connect"))
        let scratch = try ScratchDirectory()
        try FileSystem.write(
            FileSystem.read(WebCertificates.authority()), to: scratch.appending("0.pem"))
        let other = try DownloadFixture(environment: ["SSL_CERT_DIR": scratch.path.string])
        #expect(try other.get("/a").status == 404)
    }

    @Test func saysThatAFileOfAuthoritiesIsMissing() throws {
        let fixture = try DownloadFixture(environment: ["SSL_CERT_FILE": "/missing.pem"])
        #expect(
            try #require(fixture.failure("/a")).message.hasPrefix(
                "cannot read certificates from \"/missing.pem\", which SSL_CERT_FILE names"))
    }

    @Test func saysThatAServerDoesNotTalkTLS() throws {
        let fixture = try DownloadFixture(secure: false)
        let url = "https://localhost:\(fixture.server.port)/"
        #expect(fixture.failure(url)?.message == "cannot connect to \"\(url)\": the server does not talk TLS")
    }

    @Test func triesARefusedConnectionAgain() throws {
        let fixture = try DownloadFixture()
        let error = fixture.failure("https://127.0.0.1:1/") { $0.attempts = 2 }
        #expect(error?.message == "cannot connect to \"https://127.0.0.1:1/\": connection refused")
        #expect(error?.code == .notFound)
        #expect(fixture.trace.filter { $0.hasPrefix("GET") }.count == 2)
    }

    @Test func triesANameAgainOnlyIfNobodyKnowsIt() throws {
        let fixture = try DownloadFixture(environment: ["RES_OPTIONS": "timeout:1 attempts:1"])
        // RFC 6761: no name below `invalid` exists. A host without a name server does not get to know that.
        let error = try #require(fixture.failure("https://a.invalid/") { $0.attempts = 2 })
        let isKnown = error.message == "cannot connect to \"https://a.invalid/\": there is no host named \"a.invalid\""
        let start = "cannot connect to \"https://a.invalid/\": the name \"a.invalid\" does not resolve now: "
        #expect(isKnown || error.message.hasPrefix(start))
        #expect(fixture.trace.filter { $0.hasPrefix("GET") }.count == (isKnown ? 1 : 2))
        #expect(error.code == .notFound)
    }

    @Test func waitsNoLongerThanItIsTold() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("hello").with { $0.gate = "never" })
        try fixture.server.serve("/b", .text("hello").with { $0.stallAfter = 2 })
        for path in ["/a", "/b"] {
            let error = fixture.failure(path) {
                $0.patience = 1500
                $0.attempts = 2
            }
            #expect(error?.message == "cannot get \"\(fixture.server.url(path))\": no data for 1500 ms")
            #expect(error?.code == .timeout)
            #expect(fixture.server.requests(of: path).count == 2)
        }
    }

    @Test func refusesWhatIsNotHTTP() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", WebAnswer().with { $0.raw = "220 mail.example.com ESMTP\r\n" })
        let error = fixture.failure("/a")
        #expect(error?.message == "cannot get \"\(fixture.server.url("/a"))\": what the server sends is not HTTP")
    }

    @Test func refusesHeadersWithoutEnd() throws {
        let fixture = try DownloadFixture()
        let fields = String(repeating: "X-Filler: \(String(repeating: "x", count: 1000))\r\n", count: 1000)
        try fixture.server.serve("/a", WebAnswer().with { $0.raw = "HTTP/1.1 200 OK\r\n\(fields)\r\n" })
        #expect(fixture.failure("/a") { $0.attempts = 1 } != nil)
        #expect(try fixture.get("/b").status == 404, "the program still works")
    }

    // MARK: - Proxies

    private func proxied(_ change: (WebServer) throws -> [String: String]) throws -> (WebServer, DownloadProgram) {
        let proxy = try WebServer(secure: false)
        try proxy.serve("https://example.com/a", .text("secure"))
        try proxy.serve("http://example.com/a", .text("plain"))
        let environment = try WebServer.environment().merging(change(proxy)) { $1 }
        return (proxy, DownloadProgram(path: BuildProducts.download, environment: environment.map { "\($0)=\($1)" }))
    }

    @Test(arguments: ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
    func goesByAProxy(variable: String) throws {
        let (proxy, program) = try proxied { [variable: "http://127.0.0.1:\($0.port)"] }
        let response = try program.send(HTTPRequest(.get, "https://example.com/a"))
        #expect(String(decoding: response.body, as: UTF8.self) == "secure")
        #expect(proxy.requests.map(\.method) == ["CONNECT", "GET"])
    }

    @Test func goesByAProxyWithoutTLS() throws {
        let (proxy, program) = try proxied { ["http_proxy": "127.0.0.1:\($0.port)"] }
        let response = try program.send(HTTPRequest(.get, "http://example.com/a", allowsPlainHTTP: true))
        #expect(String(decoding: response.body, as: UTF8.self) == "plain")
        #expect(proxy.requests.map(\.method) == ["CONNECT", "GET"])
    }

    @Test func tellsTheProxyWhoItIs() throws {
        let (proxy, program) = try proxied { ["https_proxy": "http://me:a%40b@127.0.0.1:\($0.port)"] }
        _ = try program.send(HTTPRequest(.get, "https://example.com/a"))
        #expect(proxy.requests.map { $0["Proxy-Authorization"] } == ["Basic bWU6YUBi", nil])
    }

    @Test(arguments: ["*", "localhost", "other, localhost", ".localhost"])
    func goesDirectlyWhereItIsTold(exempt: String) throws {
        let server = try WebServer()
        let (proxy, program) = try proxied { ["https_proxy": "http://127.0.0.1:\($0.port)", "no_proxy": exempt] }
        #expect(try program.send(HTTPRequest(.get, server.url("/a"))).status == 404)
        #expect(proxy.requests.isEmpty)
    }

    @Test func namesTheProxyThatCannotBeReached() throws {
        let (_, program) = try proxied { _ in ["https_proxy": "http://127.0.0.1:1"] }
        #expect(throws: RuntimeError.self) {
            do {
                _ = try program.send(HTTPRequest(.get, "https://example.com/a", attempts: 1))
            } catch let error as RuntimeError {
                #expect(
                    error.message == "cannot connect to \"https://example.com/a\" by the proxy \"127.0.0.1:1\": "
                        + "connection refused")
                throw error
            }
        }
    }
}
