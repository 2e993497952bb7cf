// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import LinuxPlatform
import Synchronization
import SystemPackage

/// A web of resources in memory, which notes what it is asked for.
final class WebTable: HTTPTransport {
    struct Resource: Sendable {
        var status = 200
        var body: [UInt8] = []
        var fields: [HTTPField] = []
        /// The connection breaks after this many bytes of the body.
        var breaksAfter: Int?

        init(_ body: [UInt8], status: Int = 200, _ fields: [String: String] = [:], breaksAfter: Int? = nil) {
            self.body = body
            self.status = status
            self.fields = fields.map { HTTPField($0.key, $0.value) }
            self.breaksAfter = breaksAfter
        }

        init(_ text: String, status: Int = 200) { self.init(Array(text.utf8), status: status) }

        var entityTag: String? { fields.first { $0.name == "ETag" }?.value }
        var date: String? { fields.first { $0.name == "Last-Modified" }?.value }
    }

    /// What was asked for, and which answer that got.
    struct Asked: Sendable, Equatable {
        let url: String
        let status: Int
        /// Bytes of the body that were sent.
        let sent: Int
    }

    private struct State {
        var resources: [String: [Resource]] = [:]
        var requests: [HTTPRequest] = []
        var asked: [Asked] = []
        /// How many downloads each call had.
        var batches: [Int] = []
    }

    private let state = Mutex(State())

    /// A URL gives each of its resources once, the last one for ever.
    func serve(_ url: String, _ resources: Resource...) { state.withLock { $0.resources[url] = resources } }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }
    var batches: [Int] { state.withLock { $0.batches } }

    /// What was asked for since the last time this was read.
    func takeAsked() -> [Asked] {
        state.withLock { state in
            defer { state.asked = [] }
            return state.asked
        }
    }

    func send(_ request: HTTPRequest) throws -> HTTPResponse {
        let resource = try next(request)
        guard resource.body.count <= request.limit else {
            throw RuntimeError(.invalidArgument, "\(request.url) is larger than \(request.limit) bytes")
        }
        note(request, resource.status, resource.body.count)
        return HTTPResponse(
            status: resource.status, fields: resource.fields, url: request.url, body: resource.body)
    }

    func download(_ downloads: [Download]) throws -> [Result<HTTPResponse, any Error>] {
        state.withLock { $0.batches.append(downloads.count) }
        return downloads.map { download in Result { try answer(download) } }
    }

    private func answer(_ download: Download) throws -> HTTPResponse {
        let request = download.request
        let resource = try next(request)
        if let tag = request.fields.first(where: { $0.name == "If-None-Match" })?.value, tag == resource.entityTag {
            note(request, 304, 0)
            return HTTPResponse(status: 304, fields: resource.fields, url: request.url)
        }
        guard resource.status == 200 else {
            note(request, resource.status, 0)
            return HTTPResponse(
                status: resource.status, fields: resource.fields, url: request.url, body: resource.body)
        }
        var start = 0
        if download.offset > 0, let validator = download.validator,
            validator == resource.entityTag || validator == resource.date
        {
            start = Int(download.offset)
        }
        guard start == 0 || start < resource.body.count else {
            note(request, 416, 0)
            return HTTPResponse(status: 416, url: request.url)
        }
        var response = HTTPResponse(status: start > 0 ? 206 : 200, fields: resource.fields, url: request.url)
        try download.onResponse?(response)
        if start == 0 { try download.file.resize(to: 0, retryOnInterrupt: true) }
        let end = min(resource.breaksAfter ?? resource.body.count, resource.body.count)
        try download.file.writeAll(toAbsoluteOffset: Int64(start), resource.body[start..<end])
        download.onProgress?(Int64(end), Int64(resource.body.count))
        note(request, response.status, end - start)
        guard end == resource.body.count else { throw RuntimeError(.timeout, "the connection broke") }
        response.length = Int64(end)
        return response
    }

    private func next(_ request: HTTPRequest) throws -> Resource {
        try state.withLock { state in
            state.requests.append(request)
            guard var list = state.resources[request.url], let first = list.first else {
                throw RuntimeError(.notFound, "no host for \(request.url)")
            }
            if list.count > 1 { list.removeFirst() }
            state.resources[request.url] = list
            return first
        }
    }

    private func note(_ request: HTTPRequest, _ status: Int, _ sent: Int) {
        state.withLock { $0.asked.append(Asked(url: request.url, status: status, sent: sent)) }
    }
}

extension FileDescriptor {
    fileprivate func writeAll(toAbsoluteOffset offset: Int64, _ bytes: ArraySlice<UInt8>) throws {
        _ = try Array(bytes).withUnsafeBytes { try self.writeAll(toAbsoluteOffset: offset, $0) }
    }
}
