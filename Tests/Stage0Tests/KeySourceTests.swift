// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport
import LinuxPlatform
import Stage0
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A server that has one answer, and remembers what it was asked.
private final class OneAnswer: HTTPTransport {
    let requests = Mutex<[HTTPRequest]>([])
    private let status: Int
    private let body: [UInt8]

    init(_ status: Int, _ body: [UInt8]) {
        self.status = status
        self.body = body
    }

    func send(_ request: HTTPRequest) throws -> HTTPResponse {
        requests.withLock { $0.append(request) }
        return HTTPResponse(status: status, url: request.url, body: body)
    }

    func download(_ downloads: [Download]) throws -> [Result<HTTPResponse, any Error>] { [] }
}

@Suite(.requires("gpg"), .timeLimit(.minutes(5)))
struct KeySourceTests {
    private let scratch: ScratchDirectory
    private let home: SigningHome

    init() throws {
        scratch = try ScratchDirectory()
        home = try SigningHome()
    }

    private func runtime(_ insecure: InsecureOptions = []) -> PodRuntime {
        PodRuntime(Settings(localConfiguration: scratch.appending("etc"), insecure: insecure))
    }

    @Test func `published keys are found, fetched and stored`() throws {
        let key = try home.makeKey("Carly <carly@example.com>")
        let server = OneAnswer(200, try FileSystem.read(home.export(key)))
        let source = KeySource(transport: server) { name, _ in
            #expect(name == "example.com/app")
            return ["https://example.com/pubkeys.gpg"]
        }
        var files: [FilePath] = []
        let isAccepted = try runtime().trust(
            TrustRequest(scope: .prefix("example.com/app"), locations: []), from: source,
            review: { $0.location == "https://example.com/pubkeys.gpg" && $0.keys.count == 1 },
            added: { files.append($0) })
        #expect(isAccepted)
        #expect(files == [scratch.path.pushing(FilePath("etc/trustedkeys/prefix.d/example.com/app/\(key)"))])
        let request = try #require(server.requests.withLock { $0.first })
        #expect(request.verifiesServer && !request.allowsPlainHTTP)
        #expect(request.limit == 1 << 20)
    }

    @Test(arguments: [(InsecureOptions.publicKey, true, false), (.http, true, true), (.tls, false, false)])
    func `insecure options reach the request`(option: InsecureOptions, plain: Bool, verifies: Bool) throws {
        let server = OneAnswer(404, [])
        let error = #expect(throws: RuntimeError.self) {
            try runtime(option).trust(
                TrustRequest(scope: .root, locations: ["https://example.com/k"]),
                from: KeySource(transport: server), review: { _ in true }, added: { _ in })
        }
        #expect(error?.description.hasSuffix("bad HTTP status code: 404") == true)
        let request = try #require(server.requests.withLock { $0.first })
        #expect(request.allowsPlainHTTP == plain)
        #expect(request.verifiesServer == verifies)
    }
}
