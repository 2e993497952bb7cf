// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport
import HostConfiguration
import ImageFetch
import TestSupport
import Testing

struct DiscoveryTests {
    private static let template = "https://storage.example.com/{os}/{arch}/{name}-{version}.{ext}"

    private static func tag(_ content: String, name: String = "ac-discovery") -> String {
        "<meta name=\"\(name)\" content=\"\(content)\">"
    }

    private func images(_ name: String, at pages: [String: String], http: Bool = false) throws -> [String] {
        let transport = WebTable()
        for (prefix, page) in pages {
            let url = prefix.contains("://") ? prefix : "https://\(prefix)"
            transport.serve("\(url)?ac-discovery=1", .init(page))
        }
        let discovery = Discovery(WebAccess(transport, allowsPlainHTTP: http))
        return try discovery.images(for: ImageName(parsing: name)).map(\.image)
    }

    @Test func templatesAreFilledIn() throws {
        let transport = WebTable()
        transport.serve(
            "https://example.com/reduce-worker?ac-discovery=1", .init(Self.tag("example.com \(Self.template)")))
        let found = try Discovery(WebAccess(transport)).images(
            for: ImageName(parsing: "example.com/reduce-worker:1.0.0,os=linux,arch=amd64"))
        let image = "https://storage.example.com/linux/amd64/example.com/reduce-worker-1.0.0.aci"
        #expect(found == [ImageEndpoint(image: image, signature: image + ".asc")])
    }

    @Test(arguments: [
        ("example.com/myapp", "example.com"), ("example.com/myapp", "example.com/myapp"),
        ("example.com/a/b/c", "example.com/a"),
    ])
    func parentsAreAskedInTurn(name: String, page: String) throws {
        let tag = Self.tag("example.com https://a.org/{name}.{ext}")
        #expect(try images(name, at: [page: tag]) == ["https://a.org/\(name).aci"])
    }

    @Test func theFirstLevelThatHasSomethingCounts() throws {
        let pages = [
            "example.com/a": Self.tag("example.com/other https://no.org/{name}"),
            "example.com": Self.tag("example.com https://yes.org/{name}"),
        ]
        #expect(try images("example.com/a", at: pages) == ["https://yes.org/example.com/a"])
    }

    @Test func aMissingVersionIsLatestAndOpenTemplatesAreDropped() throws {
        let page = [
            "https://a.org/{name}-{version}-{os}-{arch}.{ext}", "https://b.org/{name}-{version}.{ext}",
            "https://c.org/{}", "hdfs://d.org/{name}", "https://e.org/{name",
        ].map { Self.tag("example.com \($0)") }.joined()
        let expected = ["https://b.org/example.com/myapp-1.aci", "https://e.org/{name"]
        #expect(try images("example.com/myapp:1", at: ["example.com": page]) == expected)
        #expect(
            try images("example.com/myapp", at: ["example.com": page]).first
                == "https://b.org/example.com/myapp-latest.aci")
    }

    @Test func placesReachedByHTTPSGoFirst() throws {
        let page = ["http://a.org/{name}", "https://b.org/{name}"].map { Self.tag("x.org \($0)") }.joined()
        #expect(try images("x.org", at: ["x.org": page]) == ["https://b.org/x.org", "http://a.org/x.org"])
    }

    @Test func plainHTTPIsAskedOnlyWhereAllowed() throws {
        let pages = ["http://x.org": Self.tag("x.org https://a.org/{name}")]
        #expect(throws: RuntimeError.self) { try images("x.org", at: pages) }
        #expect(try images("x.org", at: pages, http: true) == ["https://a.org/x.org"])
    }

    @Test func keysAreFoundApartFromImages() throws {
        let transport = WebTable()
        transport.serve("https://x.org/app?ac-discovery=1", .init(Self.tag("x.org https://a.org/{name}")))
        transport.serve(
            "https://x.org?ac-discovery=1",
            .init(
                Self.tag("x.org https://a.org/keys.gpg", name: "ac-discovery-pubkeys")
                    + Self.tag("x.org/app https://a.org/{app}.gpg", name: "ac-discovery-pubkeys")
                    + Self.tag("x.org/b https://a.org/b.gpg", name: "ac-discovery-pubkeys")))
        let keys = try Discovery(WebAccess(transport)).keys(for: "x.org/app")
        #expect(keys == ["https://a.org/keys.gpg", "https://a.org/{app}.gpg"])
    }

    @Test func failuresNameEveryLevel() throws {
        let transport = WebTable()
        transport.serve("https://x.org/a?ac-discovery=1", .init("gone", status: 404))
        transport.serve("https://x.org?ac-discovery=1", .init("<html>"))
        let error = #expect(throws: RuntimeError.self) {
            try Discovery(WebAccess(transport)).images(for: ImageName(parsing: "x.org/a"))
        }
        #expect(error?.description.contains("x.org/a: bad HTTP status code: 404") == true)
        #expect(error?.description.contains("x.org has no meta tag ac-discovery") == true)
    }

    @Test func pagesAreBoundedAndNotFollowedToPlainHTTP() throws {
        let transport = WebTable()
        transport.serve("https://x.org?ac-discovery=1", .init(Self.tag("x.org https://a.org/{name}")))
        _ = try Discovery(WebAccess(transport)).images(for: ImageName(parsing: "x.org"))
        let request = try #require(transport.requests.first)
        #expect(request.limit <= 1 << 20)
        #expect(!request.allowsPlainHTTP)
        #expect(request.verifiesServer)
    }

    /// Pages, and whether their tag counts.
    static let pages: [(String, Bool)] = [
        ("<META CONTENT='x.org https://a.org' NAME='ac-discovery'/>", true),
        ("<meta name=ac-discovery content=\"x.org https://a.org\">", true),
        ("<meta\nname = \"ac-discovery\"\tcontent\n=\n'x.org https://a.org' data-x>", true),
        ("<meta/name=\"ac-discovery\"/content=\"x.org https://a.org\">", true),
        ("<meta name=\"ac-discovery\" content=\"  x.org&#32;https:&#x2F;&sol;a.org \">", true),
        ("<meta name=\"ac&#45;discovery\" content=\"x.org https://a.org\">", true),
        ("<body><p>1 < 2 <meta name=\"ac-discovery\" content=\"x.org https://a.org\"></body>", true),
        ("<script>var a = '</scriptx>'</SCRIPT ><meta name=\"ac-discovery\" content=\"x.org https://a.org\">", true),
        ("<!-- a --><meta name=\"ac-discovery\" content=\"x.org https://a.org\">", true),
        ("<!--><meta name=\"ac-discovery\" content=\"x.org https://a.org\">", true),
        ("<meta name=\"ac-discovery\" name=\"other\" content=\"x.org https://a.org\">", true),
        ("<meta name=\"AC-discovery\" content=\"x.org https://a.org\">", false),
        ("<meta name=\"ac-discovery\" content=\"x.org\thttps://a.org\">", false),
        ("<meta name=\"ac-discovery\" content=\"x.org\">", false),
        ("<meta name=\"ac-discovery\" content=\"\">", false),
        ("<meta name=\"ac-discovery\">", false),
        ("<meta name=\"ac-discovery\" content=\"x.org https://a.org\"", false),
        ("<meta name=\"ac-discovery\" content=\"x.org https://a.org", false),
        ("<!-- <meta name=\"ac-discovery\" content=\"x.org https://a.org\"> -->", false),
        ("<!-- <meta name=\"ac-discovery\" content=\"x.org https://a.org\">", false),
        ("<script><meta name=\"ac-discovery\" content=\"x.org https://a.org\"></script>", false),
        ("<textarea><meta name=\"ac-discovery\" content=\"x.org https://a.org\">", false),
        ("<plaintext><meta name=\"ac-discovery\" content=\"x.org https://a.org\">", false),
        ("<metadata name=\"ac-discovery\" content=\"x.org https://a.org\">", false),
        ("</meta name=\"ac-discovery\" content=\"x.org https://a.org\">", false),
        ("<", false), ("<!", false), ("<!-", false), ("<!--", false), ("</", false), ("<m", false),
        ("<meta =", false), ("<meta name=", false), ("<meta name='", false), ("<script", false),
        ("<meta name=&#;&#x;&#99999999999; content=&", false),
    ]

    @Test(arguments: pages)
    func pagesAreReadTolerantly(page: String, counts: Bool) throws {
        let found = (try? images("x.org", at: ["x.org": page])) ?? []
        #expect(found == (counts ? ["https://a.org"] : []))
    }

    @Test(
        .timeLimit(.minutes(5)),
        arguments: [
            "<!--", "<script></", "<meta ", "<", "&#", "<a b='", "<style><", "<!-- -",
            "<meta name='ac-x' content='a b'>",
        ])
    func hostilePagesTakeLittleTime(piece: String) throws {
        let page = String(repeating: piece, count: (1 << 20) / piece.utf8.count)
        #expect(throws: RuntimeError.self) { try images("x.org", at: ["x.org": page]) }
    }
}

struct WebAccessTests {
    private func fields(_ url: String, _ json: String) throws -> [HTTPField] {
        var auth = AuthConfiguration()
        try auth.add(ConfigurationDocument(parsing: Array(json.utf8), path: "/auth.json"))
        let web = WebAccess(WebTable(), credentials: auth, allowsPlainHTTP: true)
        return try web.request(url, limit: 1).fields
    }

    @Test(arguments: [
        ("https://coreos.com/a", ["Authorization: Basic Zm9vOmJhcg=="]),
        (
            "http://CoreOS.com/a",
            [
                "Authorization: Basic Zm9vOmJhcg=="
            ]
        ), ("https://coreos.com:8443/a", []), ("https://www.coreos.com/a", []),
    ])
    func basicCredentialsGoToTheirHostOnly(url: String, expected: [String]) throws {
        let found = try fields(
            url, #"{"domains":["coreos.com"],"type":"basic","credentials":{"user":"foo","password":"bar"}}"#)
        #expect(found.map { "\($0.name): \($0.value)" } == expected)
    }

    @Test func tokensAreBearers() throws {
        let found = try fields(
            "https://a.org:8443/x", #"{"domains":["a.org:8443"],"type":"oauth","credentials":{"token":"t"}}"#)
        #expect(found == [HTTPField("Authorization", "Bearer t")])
    }

    @Test func amazonRequestsAreSigned() throws {
        let found = try fields(
            "https://b.s3.amazonaws.com/x",
            #"{"domains":["b.s3.amazonaws.com"],"type":"aws","credentials":{"accessKeyID":"i","secretAccessKey":"s"}}"#)
        #expect(found.map(\.name) == ["X-Amz-Date", "X-Amz-Content-Sha256", "Authorization"])
        #expect(found.last?.value.contains("/us-east-1/s3/aws4_request,") == true)
    }

    /// The examples of Amazon's manual for S3.
    @Test(arguments: [
        ("?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("?prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ])
    func amazonSignaturesAreThoseOfTheManual(query: String, signature: String) throws {
        let address = try #require(WebAddress("https://examplebucket.s3.amazonaws.com/\(query)"))
        let fields = AmazonSignature(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            region: nil, host: address.host
        ).fields(method: "GET", address, time: "20130524T000000Z")
        #expect(
            fields.last?.value
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                + "SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=\(signature)")
    }

    @Test(arguments: [
        ("b.s3.eu-west-1.amazonaws.com", "eu-west-1/s3"), ("s3-eu-west-1.amazonaws.com", "eu-west-1/s3"),
        ("b.s3-eu-west-1.amazonaws.com", "eu-west-1/s3"), ("s3.amazonaws.com", "us-east-1/s3"),
        ("b.s3.cn-north-1.amazonaws.com.cn", "cn-north-1/s3"), ("api.ecr.eu-west-1.amazonaws.com", "eu-west-1/ecr"),
        ("files.example.com", "us-east-1/s3"),
    ])
    func regionsAreReadOffTheHost(host: String, scope: String) throws {
        let address = try #require(WebAddress("https://\(host)/x"))
        let value = AmazonSignature(accessKeyID: "i", secretAccessKey: "s", region: nil, host: host)
            .fields(method: "GET", address, time: "20130524T000000Z").last?.value
        let parts = scope.split(separator: "/")
        #expect(value?.contains("/20130524/\(parts[0])/\(parts[1])/aws4_request,") == true)
    }

    @Test func plainHTTPIsRefusedUnlessAllowed() throws {
        let error = #expect(throws: RuntimeError.self) {
            try WebAccess(WebTable()).request("http://a.org", limit: 1)
        }
        #expect(error?.message.contains("--insecure-options=http") == true)
    }
}
