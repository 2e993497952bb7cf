// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import LinuxPlatform
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A web server, the `download` program, and files for it to write.
struct DownloadFixture: Sendable {
    let server: WebServer
    let program: DownloadProgram
    private let log = Log()

    private final class Log: Sendable {
        let lines = Mutex<[String]>([])
    }

    init(
        secure: Bool = true, certificate: WebCertificates.Kind = .valid, environment: [String: String]? = nil
    ) throws {
        server = try WebServer(secure: secure, certificate: certificate)
        let log = log
        program = DownloadProgram(
            path: BuildProducts.download,
            environment: try (environment ?? WebServer.environment()).map { "\($0)=\($1)" }
        ) { line in log.lines.withLock { $0.append(line) } }
    }

    /// What the program has told of requests.
    var trace: [String] { log.lines.withLock { $0 } }

    func get(_ path: String, _ change: (inout HTTPRequest) -> Void = { _ in }) throws -> HTTPResponse {
        var request = HTTPRequest(.get, path.hasPrefix("/") ? server.url(path) : path)
        change(&request)
        return try program.send(request)
    }

    /// The error that a request ends with.
    func failure(_ path: String, _ change: (inout HTTPRequest) -> Void = { _ in }) -> RuntimeError? {
        do {
            let response = try get(path, change)
            Issue.record("there is an answer: \(response.status)")
            return nil
        } catch {
            return error as? RuntimeError
        }
    }

    /// A file with some bytes.
    func file(_ contents: String = "") throws -> DownloadedFile { try DownloadedFile(contents) }
}

/// A file that a download goes to.
final class DownloadedFile {
    private let scratch: ScratchDirectory
    let descriptor: FileDescriptor
    private let path: FilePath

    init(_ contents: String) throws {
        scratch = try ScratchDirectory()
        path = scratch.appending("file")
        // Others must not open it: the program gets a descriptor.
        try FileSystem.write(Array(contents.utf8), to: path, mode: 0o600)
        descriptor = try FileDescriptor.open(path, .readWrite, options: [.closeOnExec])
    }

    deinit { try? descriptor.close() }

    var text: String { (try? FileSystem.readText(path, limit: 64 << 20)) ?? "" }

    /// Downloads into it.
    func get(
        _ fixture: DownloadFixture, _ path: String, offset: Int64 = 0, validator: String? = nil,
        _ change: (inout Download) -> Void = { _ in }
    ) throws -> HTTPResponse {
        var download = Download(
            HTTPRequest(.get, fixture.server.url(path)), to: descriptor, offset: offset, validator: validator)
        change(&download)
        return try fixture.program.download([download])[0].get()
    }

    /// The error that a download ends with.
    func failure(
        _ fixture: DownloadFixture, _ path: String, offset: Int64 = 0, validator: String? = nil,
        _ change: (inout Download) -> Void = { _ in }
    ) -> RuntimeError? {
        do {
            let response = try get(fixture, path, offset: offset, validator: validator, change)
            Issue.record("there is an answer: \(response.status)")
            return nil
        } catch {
            return error as? RuntimeError
        }
    }
}
