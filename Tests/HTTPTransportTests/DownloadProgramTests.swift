// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import LinuxPlatform
import SystemPackage
import TestSupport
import Testing

struct DownloadProgramTests {
    @Test(arguments: [
        ("/usr/bin/rkt", "/usr/libexec/rkt/download"), ("/opt/rkt-1/bin/rkt", "/opt/rkt-1/libexec/rkt/download"),
        ("/src/build/rkt", "/src/build/libexec/rkt/download"),
    ])
    func isFoundFromTheExecutable(executable: FilePath, expected: FilePath) {
        #expect(DownloadLaunch.path(forExecutable: executable) == expected)
    }

    @Test func aMissingProgramIsNamed() throws {
        let program = DownloadProgram(path: "/missing/download")
        let error = #expect(throws: RuntimeError.self) { try program.send(HTTPRequest(.get, "https://localhost/")) }
        #expect(
            error?.message
                == "there is no program \"/missing/download\", by which rkt talks to the network: install it "
                + "with rkt (make install)")
        #expect(error?.code == .notFound)
    }

    @Test func refusesRequestsThatAreTooLarge() throws {
        let program = DownloadProgram(path: BuildProducts.download)
        let large = HTTPRequest(.post, "https://localhost/", body: [UInt8](repeating: 0, count: 300_000))
        #expect(throws: RuntimeError.self) { try program.send(large) }
        #expect(throws: RuntimeError.self) { try program.send(HTTPRequest(.get, "https://localhost/", limit: 1 << 40)) }
    }

    @Test func nothingToDoNeedsNoProgram() throws {
        #expect(try DownloadProgram(path: "/missing/download").download([]).isEmpty)
    }
}

/// Programs that pose as `download` and break the protocol.
@Suite(.requires("python3"))
struct HostileDownloadProgramTests {
    /// What a program does after it has read the first bytes of a request.
    private func error(
        _ script: String,
        _ send: (DownloadProgram) throws -> Void = { program in
            _ = try program.send(HTTPRequest(.get, "https://localhost/", limit: 1000))
        }
    ) throws -> RuntimeError? {
        let scratch = try ScratchDirectory()
        let path = scratch.appending("download")
        let text = """
            #!/usr/bin/python3
            import json, os, struct
            os.read(3, 12)
            def frame(kind, payload=b"", id=1):
                payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                os.write(3, struct.pack("<BBHII", 1, kind, 0, id, len(payload)) + payload)
            answer = {"status": 200, "fields": [], "url": "https://localhost/", "body": [], "length": 0}
            \(script)
            while os.read(3, 65536): pass
            """
        try FileSystem.write(Array(text.utf8), to: path, mode: 0o755)
        let program = DownloadProgram(path: path)
        do {
            try send(program)
            return nil
        } catch {
            return error as? RuntimeError
        }
    }

    @Test func aWellBehavedOneIsBelieved() throws {
        #expect(try error("frame(18, b'abc'); frame(19, answer)") == nil)
    }

    @Test(arguments: [
        ("os.write(3, b'\\x02')", "protocol version 2 in place of 1"),
        ("os.write(3, b'HTTP/1.1 200 OK\\r\\n')", "protocol version 72 in place of 1"),
        ("os.write(3, struct.pack('<BBHII', 1, 18, 0, 1, 1 << 30))", "frame of 1073741824 bytes"),
        ("frame(1, {})", "a frame in the wrong direction"),
        ("frame(19, answer, id=2)", "a frame of no request"),
        ("frame(19, answer); frame(19, answer)", nil),
        ("frame(19, b'{')", "a message that cannot be read"),
        ("frame(19, b'[' * 100000)", "a message that cannot be read"),
        ("frame(19, {'status': 200})", "a message that cannot be read"),
        ("frame(16, answer)", "an answer that nobody waits for"),
        ("frame(18, b'x' * 1001)", "a body without end"),
        ("frame(19, answer | {'status': 99})", "an impossible answer"),
        ("frame(19, answer | {'url': 'http://localhost/'})", "an impossible answer"),
        ("frame(19, answer | {'length': -1})", "an impossible answer"),
        ("frame(17, {'done': 1001})", "an impossible progress"),
        ("frame(17, {'done': -1})", "an impossible progress"),
    ])
    func aBreachIsNamed(script: String, breach: String?) throws {
        let error = try error(script)
        guard let breach else { return #expect(error == nil) }
        #expect(
            try #require(error).message.hasSuffix(
                "breaks the protocol (\(breach)): install it and rkt from the same release"),
            "\(error.map { "\($0)" } ?? "no error")")
    }

    @Test func aFileThatItDoesNotWriteIsMissed() throws {
        let scratch = try ScratchDirectory()
        try FileSystem.write([], to: scratch.appending("file"))
        let file = try FileDescriptor.open(scratch.appending("file"), .readWrite, options: [.closeOnExec])
        defer { try? file.close() }
        let error = try error("frame(16, answer); frame(19, answer | {'length': 5})") { program in
            _ = try program.download([Download(HTTPRequest(.get, "https://localhost/"), to: file)])
        }
        #expect(try #require(error).message.contains("a file of another size"))
    }

    @Test func itsEndIsNoticed() throws {
        #expect(try #require(try error("os._exit(7)")).message.hasSuffix("has ended before its work: exit status 7"))
    }

    @Test func itsErrorsDoNotReachTheTerminalAsTheyAre() throws {
        let error = try error("frame(20, {'kind': 'answer', 'reason': 'a\\x1b[2Jb' + 'x' * 100000})")
        #expect(try #require(error).message.hasPrefix("a?[2Jb"))
        #expect(try #require(error).message.count == 2000)
    }
}
