// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import ImageFetch
import LinuxPlatform
import Synchronization
import SystemPackage

/// A network whose servers are a function of the request.
final class TableTransport: HTTPTransport {
    private let answer: @Sendable (HTTPRequest) throws -> HTTPResponse
    private let log = Mutex<[HTTPRequest]>([])

    init(_ answer: @escaping @Sendable (HTTPRequest) throws -> HTTPResponse) { self.answer = answer }

    /// Everything that was asked for, in order.
    var requests: [HTTPRequest] { log.withLock { $0 } }

    func send(_ request: HTTPRequest) throws -> HTTPResponse {
        log.withLock { $0.append(request) }
        let response = try answer(request)
        guard response.body.count <= request.limit else {
            throw RuntimeError(.invalidArgument, "the answer is too long")
        }
        return response
    }

    func download(_ downloads: [Download]) throws -> [Result<HTTPResponse, any Error>] {
        downloads.map { download in
            Result {
                var response = try send(download.request)
                guard response.status == 200 else { return response }
                try download.onResponse?(response)
                try FileSystem.writeAll(response.body, to: download.file)
                response.length = Int64(response.body.count)
                response.body = []
                download.onProgress?(response.length, response.length)
                return response
            }
        }
    }
}

/// What a registry has: the manifests of a repository by tag and digest, and its blobs.
struct RegistryTable: Sendable {
    let host: String
    let repository: String
    let directory: FilePath
    var tags: [String: ContentDigest] = [:]
    /// Given in place of the content type that the manifest has.
    var contentType = "application/vnd.oci.image.manifest.v1+json"

    init(_ layout: LayoutFixture, host: String = "registry.example.com", repository: String = "team/app") {
        self.host = host
        self.repository = repository
        directory = layout.path
    }

    var base: String { "https://\(host)/v2/\(repository)/" }

    /// The answer to a request that is allowed.
    func answer(_ request: HTTPRequest) -> HTTPResponse {
        guard request.url.hasPrefix(base) else { return HTTPResponse(status: 404, url: request.url) }
        let parts = request.url.dropFirst(base.count).split(separator: "/")
        guard parts.count == 2, let digest = tags[String(parts[1])] ?? (try? ContentDigest(parsing: String(parts[1]))),
            let body = try? FileSystem.read(
                directory.appending("blobs").appending("sha256").appending(digest.hex), limit: 1 << 28)
        else {
            let body = Array(#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#.utf8)
            return HTTPResponse(status: 404, url: request.url, body: body)
        }
        var fields: [HTTPField] = []
        if parts[0] == "manifests" {
            fields = [HTTPField("content-type", contentType), HTTPField("docker-content-digest", "\(digest)")]
        }
        return HTTPResponse(status: 200, fields: fields, url: request.url, body: request.method == .head ? [] : body)
    }
}

extension HTTPRequest {
    /// The first field of this name.
    subscript(_ name: String) -> String? { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
}
