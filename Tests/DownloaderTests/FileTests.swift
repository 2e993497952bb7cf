// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Dispatch
import Glibc
import HTTPTransport
import LinuxPlatform
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Downloads into files: attempts, limits, and what the caller hears.
@Suite(.requiresWebServer)
struct FileTests {
    static let text = (0..<20_000).map { "line \($0)\n" }.joined()

    private struct Refusal: Error, Equatable {}

    @Test func writesABody() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text(Self.text))
        let file = try fixture.file("what was there before")
        let response = try file.get(fixture, "/a")
        #expect(response.status == 200)
        #expect(response.body.isEmpty)
        #expect(response.length == Int64(Self.text.utf8.count))
        #expect(file.text == Self.text)
    }

    @Test(arguments: [true, false])
    func writesABodyWithoutLength(chunked: Bool) throws {
        let fixture = try DownloadFixture(secure: false)
        let answer = WebAnswer.text(Self.text).with {
            $0.chunked = chunked
            $0.untilClose = !chunked
        }
        try fixture.server.serve("/a", answer)
        let file = try fixture.file()
        _ = try file.get(fixture, "/a") { $0.request.allowsPlainHTTP = true }
        #expect(file.text == Self.text)
    }

    @Test func anotherStatusLeavesTheFileAlone() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("sorry", status: 403))
        let file = try fixture.file("before")
        let response = try file.get(fixture, "/a") { $0.onResponse = { _ in Issue.record("it is no 200") } }
        #expect(response.status == 403)
        #expect(String(decoding: response.body, as: UTF8.self) == "sorry")
        #expect(file.text == "before")
    }

    @Test func writesNothingBeforeTheCallerAgrees() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("hello", type: "text/html"))
        let file = try fixture.file("before")
        let seen = Mutex<[String?]>([])
        #expect(throws: Refusal()) {
            _ = try file.get(fixture, "/a") { download in
                download.onResponse = { response in
                    seen.withLock { $0.append(response["Content-Type"]) }
                    throw Refusal()
                }
            }
        }
        #expect(seen.withLock { $0 } == ["text/html"])
        #expect(file.text == "before")
        #expect(try fixture.get("/a").status == 200, "the program still works")
    }

    @Test func tellsHowFarItHasCome() throws {
        let fixture = try DownloadFixture()
        let server = fixture.server
        let answer = WebAnswer.text(Self.text).with {
            $0.gate = "rest"
            $0.gateAfter = 1000
        }
        try server.serve("/a", answer)
        let file = try fixture.file()
        let seen = Mutex<[Int64]>([])
        _ = try file.get(fixture, "/a") { download in
            download.onProgress = { done, total in
                #expect(total == Int64(Self.text.utf8.count))
                seen.withLock { $0.append(done) }
                // Without this the download would not go on.
                #expect(throws: Never.self) { try server.open(gate: "rest") }
            }
        }
        let told = seen.withLock { $0 }
        #expect(told.first == 1000)
        #expect(told == told.sorted())
        #expect(told.last == Int64(Self.text.utf8.count))
    }

    @Test func getsSeveralAtOnceAndOneFailureEndsNoOther() throws {
        let fixture = try DownloadFixture()
        // Each of the first seven waits until all of them are there.
        let count = DownloadProgram.concurrency * 3
        for index in 0..<count {
            try fixture.server.serve(
                "/\(index)", index == 5 ? .redirect(to: "/5") : .text("text \(index)").with { $0.gate = "all" })
        }
        let files = try (0..<count).map { _ in try fixture.file() }
        let server = fixture.server
        let opener = Mutex(false)
        let downloads = files.enumerated().map { index, file in
            Download(HTTPRequest(.get, server.url("/\(index)")), to: file.descriptor)
        }
        let waiting = DownloadProgram.concurrency
        // On a thread of its own: the downloads hold one of those that tests have, and the others may be held, too.
        let isOver = Mutex(false)
        DispatchQueue(label: "opener").async {
            while Set(server.requests.map(\.path)).count < waiting {
                if isOver.withLock({ $0 }) { return }
                usleep(15_000)
            }
            opener.withLock { $0 = true }
            try? server.open(gate: "all")
        }
        defer { isOver.withLock { $0 = true } }
        let results = try fixture.program.download(downloads)
        #expect(opener.withLock { $0 })
        for (index, (result, file)) in zip(results, files).enumerated() {
            if index == 5 {
                #expect(throws: RuntimeError.self) { try result.get() }
            } else {
                #expect(try result.get().status == 200)
                #expect(file.text == "text \(index)")
            }
        }
    }

    // MARK: - Limits

    @Test(arguments: [false, true])
    func stopsABodyThatIsTooLarge(endless: Bool) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve(
            "/a", .text(String(repeating: "x", count: 100_001)).with { $0.endless = endless })
        let file = try fixture.file()
        let error = try #require(file.failure(fixture, "/a") { $0.request.limit = 100_000 })
        #expect(error.message.contains("is larger than the 100000 bytes that are allowed"))
        #expect(file.text.utf8.count <= 100_000)
        #expect(fixture.server.requests.count == 1)
    }

    @Test func aLengthThatIsTooLargeIsRefusedAtOnce() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("x").with { $0.length = 1 << 40 })
        let file = try fixture.file("before")
        let error = try #require(file.failure(fixture, "/a"))
        #expect(error.message.contains("its body of 1099511627776 bytes is larger than the 1048576 bytes"))
        #expect(file.text == "before")
    }

    @Test func aBodyShorterThanToldIsTriedAgain() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("hel").with { $0.length = 5 }, .text("hello"))
        let file = try fixture.file()
        #expect(try file.get(fixture, "/a").status == 200)
        #expect(file.text == "hello")
        #expect(fixture.server.requests.count == 2)
    }

    @Test func aBodyAlwaysShorterThanToldIsAnError() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("hel").with { $0.length = 5 })
        let file = try fixture.file()
        let error = try #require(file.failure(fixture, "/a") { $0.request.attempts = 2 })
        #expect(error.message.hasPrefix("cannot get \"\(fixture.server.url("/a"))\": "))
        #expect(fixture.server.requests.count == 2)
    }

    @Test func saysThatAFileCannotBeWritten() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("hello"))
        let full = try FileDescriptor.open("/dev/null", .readOnly, options: [.closeOnExec])
        defer { try? full.close() }
        let download = Download(HTTPRequest(.get, fixture.server.url("/a")), to: full)
        let result = try fixture.program.download([download])[0]
        #expect(throws: RuntimeError.self) { try result.get() }
        #expect("\(result)".contains("cannot write what"))
    }

    // MARK: - Attempts

    @Test(arguments: [408, 429, 500, 502, 503, 504])
    func triesAgainLater(status: Int) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("busy", status: status), .text("hello"))
        let file = try fixture.file()
        #expect(try file.get(fixture, "/a").status == 200)
        #expect(file.text == "hello")
        #expect(fixture.server.requests.count == 2)
    }

    @Test(arguments: [400, 401, 403, 404, 410, 501])
    func doesNotTryAgain(status: Int) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("no", status: status), .text("hello"))
        #expect(try fixture.get("/a").status == status)
        #expect(fixture.server.requests.count == 1)
    }

    @Test func theLastAttemptsStatusIsTheAnswer() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("busy", status: 503))
        #expect(try fixture.get("/a") { $0.attempts = 3 }.status == 503)
        #expect(fixture.server.requests.count == 3)
    }

    @Test func waitsAsLongAsTheServerAsks() throws {
        let fixture = try DownloadFixture()
        let busy = WebAnswer.text("busy", status: 503)
        try fixture.server.serve("/a", busy.with { $0.fields = [["Retry-After", "1"]] }, .text("hello"))
        let start = Clock.milliseconds
        #expect(try fixture.get("/a").status == 200)
        #expect(Clock.milliseconds - start >= 1000)
        try fixture.server.serve("/b", busy.with { $0.fields = [["Retry-After", "86400"]] }, .text("hello"))
        #expect(try fixture.get("/b").status == 503, "nobody waits for a day")
    }
}
