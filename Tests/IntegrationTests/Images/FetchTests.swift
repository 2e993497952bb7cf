// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

@Suite(.requiresBuild, .requiresWebServer, .podLogs, .timeLimit(.minutes(5)))
struct FetchTests {
    private static let url = "https://files.example.com/hello.aci"
    private static let path = "/hello.aci"

    @Test func nameIsDiscoveredAndDependenciesAreFetched() async throws {
        try await WebFixture.with { web in
            try web.serveDiscovery()
            let needs = #","dependencies":[{"imageName":"example.com/base"}]"#
            try web.server.serve(
                WebFixture.url("example.com/hello"), .file(web.archive("example.com/hello", extra: needs)))
            try web.server.serve(
                WebFixture.url("example.com/base", version: "latest"), .file(web.archive("example.com/base")))
            let fetched = try await web.fetch("example.com/hello:0.0.1")
            #expect(fetched.status == 0, "\(fetched.error)")
            #expect(fetched.lines.count == 1)
            #expect(fetched.complaints == [])
            let list = try await web.rkt("image", "list", "--no-legend", "--fields=name")
            #expect(list.lines.sorted() == ["example.com/base:0.0.1", "example.com/hello:0.0.1"])
            #expect(web.server.requests.filter { $0.path == "/hello" }.count == 1)

            let offline = try await web.start(["fetch", "--full", "--pull-policy=new", "example.com/hello"]).end()
            #expect(offline.output == fetched.output)
        }
    }

    @Test func unchangedImageIsNotSentAgain() async throws {
        try await WebFixture.with { web in
            let file = try web.archive("example.com/hello")
            try web.server.serve(Self.path, .file(file, etag: "\"1\""))
            let first = try await web.fetch(Self.url)
            #expect(first.status == 0, "\(first.error)")
            let second = try await web.fetch("--debug", Self.url)
            #expect(second.output == first.output)
            #expect(second.error.contains("image: remote fetching from URL \"\(Self.url)\""))
            #expect(second.error.contains("using image from local store for url \(Self.url)"))
            let requests = web.server.requests(of: Self.path)
            #expect(requests.map { $0["If-None-Match"] } == [nil, "\"1\""])
            #expect(web.partials == [])

            // Who removes the image forgets where it came from.
            _ = try await web.rkt("image", "rm", "example.com/hello")
            _ = try await web.fetch(Self.url)
            #expect(web.server.requests(of: Self.path).last?["If-None-Match"] == nil)
        }
    }

    @Test func freshImageIsNotAskedFor() async throws {
        try await WebFixture.with { web in
            let answer = WebAnswer.file(try web.archive("example.com/hello"), etag: "\"1\"").with {
                $0.fields.append(["Cache-Control", "max-age=600"])
            }
            try web.server.serve(Self.path, answer)
            let first = try await web.fetch(Self.url)
            #expect(first.status == 0, "\(first.error)")
            let count = web.server.requests.count
            let second = try await web.fetch("--debug", Self.url)
            #expect(second.output == first.output)
            #expect(second.error.contains("image: image for \(Self.url) isn't expired, not fetching."))
            #expect(web.server.requests.count == count)
        }
    }

    @Test func killedDownloadIsResumed() async throws {
        try await WebFixture.with { web in
            let answer = WebAnswer.file(BuildProducts.image("busybox"), etag: "\"1\"")
            let half = 1_048_576
            try web.server.serve(Self.path, answer.with { $0.stallAfter = half }, answer)
            let process = try web.start(["--insecure-options=image", "fetch", Self.url])
            try await eventually("half of the image") {
                web.partials.contains { (try? FileSystem.status($0).size) == Int64(half) }
            }
            process.killAll()
            let fetched = try await web.fetch(Self.url)
            #expect(fetched.status == 0, "\(fetched.error)")
            let sum = try await web.fixture.shell("sha512sum $images/busybox.aci").output.prefix(64)
            #expect(fetched.output == "sha512-\(sum)\n")
            let request = web.server.requests(of: Self.path).last
            #expect(request?["Range"] == "bytes=\(half)-")
            #expect(request?["If-Range"] == "\"1\"")
            #expect(web.partials == [])
        }
    }

    @Test func anotherImageThanAskedForIsRefused() async throws {
        try await WebFixture.with { web in
            try web.serveDiscovery()
            try web.server.serve(WebFixture.url("example.com/hello"), .file(web.archive("example.com/other")))
            let named = try await web.fetch("example.com/hello:0.0.1")
            #expect(named.status == 254)
            #expect(named.output == "")
            #expect(named.complaints.count == 1)
            #expect(named.error.contains("is named \"example.com/other\", but \"example.com/hello\" was asked for"))

            try web.server.serve(
                WebFixture.url("example.com/hello"), .file(web.archive("example.com/hello", version: "2")))
            let old = try await web.fetch("example.com/hello:0.0.1")
            #expect(old.error.contains("\"version\": \"0.0.1\" differs from fetched aci label value: \"2\""))
            #expect(try await web.rkt("image", "list", "--no-legend").lines == [])
        }
    }

    @Test func pagesAndErrorsAreNoImages() async throws {
        try await WebFixture.with { web in
            for (answer, reason) in [
                (WebAnswer.text("<html>log in</html>", type: "text/html"), "is a web page (text/html), not an image"),
                (.text("<html>log in</html>", type: "application/octet-stream"), "not a tar archive"),
                (.text("no", status: 403), "bad HTTP status code: 403"),
            ] {
                try web.server.serve(Self.path, answer)
                let fetched = try await web.fetch(Self.url)
                #expect(fetched.status == 254)
                #expect(
                    fetched.complaints.first?.hasPrefix("fetch: unable to fetch image from url \"\(Self.url)\": ")
                        == true)
                #expect(fetched.error.contains(reason), "\(fetched.error)")
            }
            #expect(try await web.rkt("image", "list", "--no-legend").lines == [])
        }
    }

    @Test func credentialsAreSentToTheirHost() async throws {
        try await WebFixture.with { web in
            let answer = WebAnswer.file(try web.archive("example.com/hello")).with {
                $0.authorization = "Basic Zm9vOmJhcg=="
            }
            try web.server.serve(Self.path, answer)
            let refused = try await web.fetch(Self.url)
            #expect(refused.error.contains("bad HTTP status code: 401"), "\(refused.error)")
            try web.configure(
                "auth.d/example.json",
                """
                {"rktKind":"auth","rktVersion":"v1","domains":["files.example.com"],"type":"basic",
                 "credentials":{"user":"foo","password":"bar"}}
                """)
            let fetched = try await web.fetch(Self.url)
            #expect(fetched.status == 0, "\(fetched.error)")
        }
    }

    @Test func plainHTTPAndUnsignedImagesAreRefused() async throws {
        try await WebFixture.with { web in
            let file = try web.archive("example.com/hello")
            try web.server.serve(Self.path, .file(file))
            let unsigned = try await web.rkt("--debug", "fetch", Self.url)
            #expect(unsigned.status == 254)
            #expect(unsigned.error.contains("error downloading the signature file"))
            #expect(web.server.requests(of: Self.path).isEmpty)

            let plain = "http://files.example.com/hello.aci"
            let refused = try await web.fetch(plain)
            #expect(refused.error.contains("--insecure-options=http"))
            #expect(!refused.error.contains("plain HTTP has been allowed"))
            let allowed = try await web.rkt("--insecure-options=image,http", "fetch", plain)
            #expect(allowed.status == 0, "\(allowed.error)")
            #expect(
                allowed.complaints == [
                    "image: warning: plain HTTP has been allowed: what is sent can be read, what comes can be replaced"
                ])
        }
    }

    @Test func largerImagesThanTheConfigurationAllowsAreNotDownloaded() async throws {
        try await WebFixture.with { web in
            let file = try web.archive("example.com/hello")
            let size = try FileSystem.status(file).size
            func allow(_ size: Int64) throws {
                try web.configure("limits.d/size.json", #"{"rktKind":"limits","rktVersion":"v1","imageSize":\#(size)}"#)
            }
            try allow(size - 1)
            // A server may tell the size, or not.
            for answer in [WebAnswer.file(file), WebAnswer.file(file).with { $0.chunked = true }] {
                try web.server.serve(Self.path, answer)
                let refused = try await web.fetch(Self.url)
                #expect(refused.status == 254)
                #expect(refused.output == "")
                #expect(refused.error.contains("is larger than the \(size - 1) bytes that are allowed"))
                #expect(
                    refused.error.contains(
                        "; if you trust it, raise \"imageSize\" in a configuration file of the kind limits\n"),
                    "\(refused.error)")
                #expect(try await web.rkt("image", "list", "--no-legend").lines == [])
            }
            try allow(size)
            let fetched = try await web.fetch(Self.url)
            #expect(fetched.status == 0, "\(fetched.error)")
            #expect(web.partials == [])
        }
    }

    @Test func severalImagesArePrintedInTheirOrder() async throws {
        try await WebFixture.with { web in
            let names = ["a", "b"]
            for name in names {
                try web.server.serve("/\(name).aci", .file(web.archive("example.com/\(name)")))
            }
            let urls = names.map { "https://files.example.com/\($0).aci" }
            let fetched = try await web.fetch(urls[0], urls[1])
            #expect(fetched.status == 0, "\(fetched.error)")
            var ids: [String] = []
            for url in urls { ids += try await web.fetch("--store-only", url).lines }
            #expect(fetched.lines == ids)
        }
    }
}
