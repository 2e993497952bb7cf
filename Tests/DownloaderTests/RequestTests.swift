// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import HTTPTransport
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

/// Answers in memory, by the built program.
@Suite(.requiresWebServer)
struct RequestTests {
    @Test func getsAnAnswer() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("hello", type: "text/plain"))
        let response = try fixture.get("/a?b=c") { $0.fields = [HTTPField("X-Test", "yes")] }
        #expect(response.status == 200)
        #expect(response["content-type"] == "text/plain")
        #expect(response.url == fixture.server.url("/a?b=c"))
        #expect(String(decoding: response.body, as: UTF8.self) == "hello")
        let seen = try #require(fixture.server.requests.first)
        #expect(seen.url == fixture.server.url("/a?b=c"))
        #expect(seen["X-Test"] == "yes")
        #expect(seen["User-Agent"] == "rkt/\(Version.current)")
        #expect(seen["Accept-Encoding"] == "identity")
    }

    @Test func asksForTheHeadOnly() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("hello"))
        let response = try fixture.get("/a") { $0.method = .head }
        #expect(response.body.isEmpty)
        #expect(response["Content-Length"] == "5")
        #expect(fixture.server.requests.map(\.method) == ["HEAD"])
    }

    @Test func postsABody() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("posted"))
        _ = try fixture.get("/a") {
            $0.method = .post
            $0.body = Array("a=b".utf8)
        }
        #expect(fixture.server.requests.map(\.bodyText) == ["a=b"])
    }

    @Test func anyStatusIsAnAnswer() throws {
        let fixture = try DownloadFixture()
        #expect(try fixture.get("/missing").status == 404)
        #expect(fixture.server.requests.count == 1)
    }

    @Test func usesAConnectionAgain() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("hello"))
        for _ in 0..<3 { _ = try fixture.get("/a") }
        #expect(Set(fixture.server.requests.map(\.connection)).count == 1)
    }

    @Test func doesNotDecompress() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text("not really gzip").with { $0.fields = [["Content-Encoding", "gzip"]] })
        #expect(String(decoding: try fixture.get("/a").body, as: UTF8.self) == "not really gzip")
    }

    // MARK: - Limits

    @Test(arguments: [false, true])
    func stopsABodyThatIsTooLarge(chunked: Bool) throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text(String(repeating: "x", count: 1001)).with { $0.chunked = chunked })
        let error = try #require(fixture.failure("/a") { $0.limit = 1000 })
        #expect(error.description.contains("larger than the 1000 bytes that are allowed"))
        #expect(try fixture.get("/a") { $0.limit = 1001 }.body.count == 1001)
    }

    @Test func stopsABodyWithoutEnd() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", WebAnswer().with { $0.endless = true })
        #expect(try #require(fixture.failure("/a")).description.contains("larger than the 1048576 bytes"))
        #expect(fixture.server.requests.count == 1)
    }

    @Test func cutsOffTheBodyOfAnError() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .text(String(repeating: "x", count: 100_000), status: 404))
        #expect(try fixture.get("/a").body.count == 65536)
    }

    @Test func refusesOwnFields() throws {
        let fixture = try DownloadFixture()
        let error = fixture.failure("/a") { $0.fields = [HTTPField("range", "bytes=0-1")] }
        #expect(error?.message == "a request must not set the field \"range\"")
        #expect(error?.code == .invalidArgument)
        #expect(fixture.failure("/a") { $0.fields = [HTTPField("X", "a\r\nY: b")] } != nil)
        #expect(fixture.server.requests.isEmpty)
    }

    // MARK: - The program

    @Test func tellsOfRequestsWithoutCredentials() throws {
        let fixture = try DownloadFixture()
        try fixture.server.serve("/a", .redirect(to: "/b?token=secret"))
        try fixture.server.serve("/b", .text("hello"))
        let url = fixture.server.url("/a").replacing("https://", with: "https://me:secret@")
        _ = try fixture.get(url) { $0.fields = [HTTPField("Cookie", "secret")] }
        let address = "https://localhost:\(fixture.server.port)"
        #expect(
            fixture.trace == ["GET \(address)/a", "302 \(address)/a", "GET \(address)/b?...", "200 \(address)/b?..."])
        #expect(fixture.server.requests.first?["Authorization"] == "Basic bWU6c2VjcmV0")
    }

    @Test(.requiresRoot, arguments: [(UInt32(0o755), UInt32(65534)), (0o700, 0)])
    func runsWithoutRightsWhereItCan(mode: UInt32, owner: UInt32) throws {
        let scratch = try ScratchDirectory()
        let directory = scratch.appending("bin")
        try FileSystem.makeDirectory(directory, mode: mode)
        let path = directory.appending("download-\(owner)")
        _ = try Program.output("cp", BuildProducts.download.string, path.string)
        let server = try WebServer()
        let program = DownloadProgram(path: path, environment: try WebServer.environment().map { "\($0)=\($1)" })
        #expect(try program.send(HTTPRequest(.get, server.url("/a"))).status == 404)
        var running: [HostTraces.RunningProcess] {
            HostTraces.descendants(of: getpid()).filter { $0.name == path.lastComponent?.string }
        }
        #expect(try running.map { try FileSystem.status(FilePath("/proc/\($0.pid)")).uid } == [owner])
        program.close()
        #expect(running.isEmpty)
        #expect(try program.send(HTTPRequest(.get, server.url("/a"))).status == 404, "it is started again")
    }

    @Test func endsWithItsParent() async throws {
        let scratch = try ScratchDirectory()
        let fixture = try DownloadFixture()
        // The shell holds the socket's other end, and is killed.
        let script = """
            import os, socket, subprocess, sys, time
            ours, theirs = socket.socketpair()
            child = subprocess.Popen([sys.argv[1]], preexec_fn=lambda: os.dup2(theirs.fileno(), 3), pass_fds=[3])
            theirs.close()
            print(child.pid, flush=True)
            time.sleep(600)
            """
        let parent = try HostProcess(
            try #require(Program.path(of: "python3")), ["-c", script, BuildProducts.download.string],
            log: scratch.appending("parent"))
        try await eventually("the start of the program") { parent.output.contains("\n") }
        let pid = try #require(Int32(parent.output.dropLast()))
        #expect(HostTraces.isAlive(pid))
        parent.kill()
        try await eventually("the end of the program") { !HostTraces.isAlive(pid) }
        _ = fixture
    }

    @Test func saysWhoStartsIt() async throws {
        let scratch = try ScratchDirectory()
        let outcome = try await HostProcess(BuildProducts.download, [], log: scratch.appending("download")).end()
        #expect(outcome.status == 254)
        #expect(outcome.error == "download: this program is started by rkt, which talks to it by descriptor 3\n")
    }
}
