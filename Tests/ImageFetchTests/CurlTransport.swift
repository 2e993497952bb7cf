// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import ImageFetch
import LinuxPlatform
import SystemPackage
import TestSupport

/// The network as the program curl reaches it, for tests with a real server.
struct CurlTransport: HTTPTransport {
    /// Trusted in place of the system's certificates.
    let certificate: FilePath

    func send(_ request: HTTPRequest) throws -> HTTPResponse {
        let scratch = try ScratchDirectory()
        let body = scratch.appending("body")
        let fields = scratch.appending("fields")
        // Not on the command line, where everybody could read credentials.
        let lines = request.fields.map { "header = \"\($0.name): \($0.value)\"\n" }.joined()
        let configuration = scratch.appending("curlrc")
        try FileSystem.write(Array(lines.utf8), to: configuration)
        let method = request.method == .head ? "--head" : "--get"
        let written = try Program.output(
            "curl", "-q", "--silent", "--cacert", certificate.string, "--config", configuration.string, "--noproxy",
            "*",
            "--dump-header", fields.string, "--output", body.string, "--write-out", "%{http_code}", method, request.url)
        guard let status = Int(String(decoding: written, as: UTF8.self)), status > 0 else {
            throw RuntimeError(.internal, "no answer from \(request.url)")
        }
        let head = try FileSystem.readText(fields).split(whereSeparator: \.isNewline).dropFirst()
        let parsed = head.compactMap { line -> HTTPField? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return HTTPField(String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        let bytes = request.method == .head ? [] : (try? FileSystem.read(body, limit: 1 << 28)) ?? []
        guard Int64(bytes.count) <= request.limit || status != 200 else {
            throw RuntimeError(.invalidArgument, "the answer is longer than \(request.limit) bytes")
        }
        return HTTPResponse(status: status, fields: parsed, url: request.url, body: bytes)
    }

    func download(_ downloads: [Download]) throws -> [Result<HTTPResponse, any Error>] {
        downloads.map { download in
            Result {
                let response = try send(download.request)
                if response.status == 200 { try FileSystem.writeAll(response.body, to: download.file) }
                return response
            }
        }
    }
}
