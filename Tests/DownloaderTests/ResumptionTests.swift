// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import Synchronization
import TestSupport
import Testing

/// Downloads that go on where an earlier one has ended.
@Suite(.requiresWebServer)
struct ResumptionTests {
    private static let text = FileTests.text
    private static let size = Int64(FileTests.text.utf8.count)

    private static func answer(_ change: (inout WebAnswer) -> Void = { _ in }) -> WebAnswer {
        WebAnswer.text(text).with {
            $0.ranges = true
            $0.etag = "\"one\""
            change(&$0)
        }
    }

    private func part(_ count: Int) -> String { String(Self.text.prefix(count)) }

    @Test(arguments: [false, true])
    func aBrokenDownloadGoesOn(reset: Bool) throws {
        let fixture = try DownloadFixture()
        let broken = Self.answer {
            $0.breakAfter = 10_000
            $0.reset = reset
        }
        try fixture.server.serve("/a", broken, broken, Self.answer())
        let file = try fixture.file()
        let answers = Mutex(0)
        let response = try file.get(fixture, "/a") { download in
            download.onResponse = { _ in answers.withLock { $0 += 1 } }
        }
        #expect(file.text == Self.text)
        #expect(response.length == Self.size)
        #expect(answers.withLock { $0 } == 1, "the caller has agreed to this file already")
        let ranges = fixture.server.requests.map { $0["Range"] }
        #expect(ranges.count == 3)
        #expect(ranges[0] == nil)
        // With a reset the last bytes may be lost.
        if !reset { #expect(ranges == [nil, "bytes=10000-", "bytes=20000-"]) }
        #expect(fixture.server.requests.allSatisfy { $0["If-Range"] == ($0["Range"] == nil ? nil : "\"one\"") })
    }

    @Test func aDateIdentifiesAFileToo() throws {
        let fixture = try DownloadFixture()
        let date = "Mon, 01 Jan 2024 00:00:00 GMT"
        let dated = WebAnswer.text(Self.text).with {
            $0.ranges = true
            $0.modified = date
        }
        try fixture.server.serve("/a", dated.with { $0.breakAfter = 10_000 }, dated)
        let file = try fixture.file()
        _ = try file.get(fixture, "/a")
        #expect(file.text == Self.text)
        #expect(fixture.server.requests.last?["If-Range"] == date)
    }

    @Test(arguments: ["W/\"one\"", nil])
    func withoutAStrongValidatorItBeginsAnew(tag: String?) throws {
        let fixture = try DownloadFixture()
        let weak = Self.answer { $0.etag = tag }
        try fixture.server.serve("/a", weak.with { $0.breakAfter = 10_000 }, weak)
        let file = try fixture.file()
        _ = try file.get(fixture, "/a")
        #expect(file.text == Self.text)
        #expect(fixture.server.requests.map { $0["Range"] } == [nil, nil])
    }

    @Test func aFileThatHasChangedMeanwhileBeginsAnew() throws {
        let fixture = try DownloadFixture()
        let changed = WebAnswer.text("another text").with {
            $0.ranges = true
            $0.etag = "\"two\""
        }
        try fixture.server.serve("/a", Self.answer { $0.breakAfter = 10_000 }, changed)
        let file = try fixture.file()
        let tags = Mutex<[String?]>([])
        _ = try file.get(fixture, "/a") { download in
            download.onResponse = { response in tags.withLock { $0.append(response["ETag"]) } }
        }
        #expect(file.text == "another text")
        #expect(tags.withLock { $0 } == ["\"one\"", "\"two\""], "the caller has to know what the file is now")
    }

    // MARK: - What an earlier command has left

    @Test func goesOnFromAnEarlierCommand() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", Self.answer())
        let file = try fixture.file(part(5000) + "rubbish")
        let response = try file.get(fixture, "/a", offset: 5000, validator: "\"one\"")
        #expect(response.status == 206)
        #expect(response.length == Self.size)
        #expect(file.text == Self.text)
        #expect(fixture.server.requests.map { $0["Range"] } == ["bytes=5000-"])
    }

    @Test func countsWhatIsThereAsProgress() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", Self.answer())
        let file = try fixture.file(part(5000))
        let seen = Mutex<[Int64]>([])
        _ = try file.get(fixture, "/a", offset: 5000, validator: "\"one\"") { download in
            download.onProgress = { done, total in
                #expect(total == Self.size)
                seen.withLock { $0.append(done) }
            }
        }
        #expect(seen.withLock { $0.last } == Self.size)
        #expect(seen.withLock { $0 }.allSatisfy { $0 > 5000 })
    }

    @Test(arguments: [
        ("\"old\"", 5000, "bytes=5000-"), (nil, 5000, nil), ("W/\"one\"", 5000, nil), ("\"one\"", 1 << 40, nil),
        ("\"a\r\nb\"", 5000, nil),
    ])
    func beginsAnewWhereNothingCanBeResumed(validator: String?, offset: Int64, range: String?) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", Self.answer())
        let file = try fixture.file(String(repeating: "x", count: 1_000_000))
        let response = try file.get(fixture, "/a", offset: offset, validator: validator)
        #expect(response.status == 200)
        #expect(file.text == Self.text)
        #expect(fixture.server.requests.map { $0["Range"] } == [range])
    }

    @Test func aCompleteFileIsNotFetchedAgain() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", Self.answer())
        let file = try fixture.file(Self.text)
        let response = try file.get(fixture, "/a", offset: Self.size, validator: "\"one\"")
        #expect(response.status == 206)
        #expect(response.length == Self.size)
        #expect(fixture.server.requests.count == 1)
    }

    @Test func aFileLongerThanTheResourceIsFetchedAnew() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", Self.answer())
        let file = try fixture.file(Self.text + "more")
        let response = try file.get(fixture, "/a", offset: Self.size + 4, validator: "\"one\"") {
            $0.request.attempts = 1
        }
        #expect(response.status == 200)
        #expect(file.text == Self.text)
        #expect(fixture.server.requests.map { $0["Range"] } == ["bytes=\(Self.size + 4)-", nil])
    }

    // MARK: - Servers that are wrong

    @Test(arguments: [
        ("bytes 0-99/\(size)", "the part from 0 in place of that from 5000"),
        ("bytes 5001-\(size - 1)/\(size)", "the part from 5001 in place of that from 5000"),
        ("nonsense", "a part without saying which"),
        ("bytes */\(size)", "a part without saying which"),
    ])
    func refusesAnotherPart(range: String, reason: String) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", Self.answer { $0.contentRange = range })
        let file = try fixture.file(part(5000))
        let error = file.failure(fixture, "/a", offset: 5000, validator: "\"one\"")
        #expect(error?.message == "cannot get \"\(fixture.server.url("/a"))\": the server has sent \(reason)")
        #expect(file.text == part(5000), "what was there can still be used")
    }

    @Test func refusesAPartThatNobodyAskedFor() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve(
            "/a", .text("part", status: 206).with { $0.fields = [["Content-Range", "bytes 0-3/8"]] })
        let file = try fixture.file("before")
        let error = try #require(file.failure(fixture, "/a"))
        #expect(error.message.contains("a part that nobody has asked for"))
        #expect(file.text == "before")
    }

    @Test func refusesAPartOfSomethingElse() throws {
        let fixture = try DownloadFixture()
        let other = WebAnswer.text(String(Self.text.dropFirst(5000)), status: 206).with {
            $0.etag = "\"two\""
            $0.fields = [["Content-Range", "bytes 5000-\(Self.size - 1)/\(Self.size)"]]
        }
        try fixture.server.serve("/a", other)
        let file = try fixture.file(part(5000))
        let error = try #require(file.failure(fixture, "/a", offset: 5000, validator: "\"one\""))
        #expect(error.message.contains("a part of something else"))
        #expect(file.text == part(5000))
    }

    @Test func aRestThatExceedsTheLimitIsRefused() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", Self.answer())
        let file = try fixture.file(part(5000))
        let error = try #require(
            file.failure(fixture, "/a", offset: 5000, validator: "\"one\"") { $0.request.limit = Self.size - 1 })
        #expect(error.message.contains("is larger than the \(Self.size - 1) bytes"))
    }
}
