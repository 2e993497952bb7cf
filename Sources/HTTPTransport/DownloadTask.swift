// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import LinuxPlatform

/// A request that is under way, and what the program may say about it now.
struct DownloadTask {
    let request: HTTPRequest
    let download: Download?
    private var body: [UInt8] = []
    /// What a callback has thrown; the task ends with it once the program has let go of the file.
    private(set) var refusal: (any Error)?

    init(_ request: HTTPRequest) {
        self.request = request
        download = nil
    }

    init(_ download: Download) {
        request = download.request
        self.download = download
    }

    /// Why the program is not to see the request at all.
    var problem: RuntimeError? {
        let size = request.fields.reduce(request.url.utf8.count + request.body.count) {
            $0 + $1.name.utf8.count + $1.value.utf8.count
        }
        if size > DownloadProgram.requestLimit {
            return RuntimeError(
                .invalidArgument, "a request has at most \(DownloadProgram.requestLimit) bytes, not \(size)")
        }
        if download == nil, request.limit > DownloadProgram.memoryLimit {
            return RuntimeError(
                .invalidArgument, "an answer in memory has at most \(DownloadProgram.memoryLimit) bytes")
        }
        return nil
    }

    var start: DownloadStart {
        guard let download else { return DownloadStart(request) }
        return DownloadStart(
            request, hasFile: true, offset: download.offset, validator: download.validator)
    }

    /// What is to be sent back after a frame, or how the task has ended.
    enum Step {
        case nothing
        case reply(DownloadFrame.Kind)
        case end(Result<HTTPResponse, any Error>)
    }

    /// A frame that breaks a rule.
    struct Violation: Error {
        let what: String
        init(_ what: String) { self.what = what }
    }

    /// Takes a frame of this task.
    mutating func take(_ frame: DownloadFrame) throws -> Step {
        switch frame.kind {
        case .answer:
            guard let download else { throw Violation("an answer that nobody waits for") }
            let response = try response(of: frame)
            guard response.status == 200 || response.status == 206 else { throw Violation("an answer without a file") }
            do {
                try download.onResponse?(response)
                return .reply(.proceed)
            } catch {
                refusal = error
                return .reply(.cancel)
            }
        case .progress:
            let progress = try message(frame, DownloadProgress.self)
            guard (0...request.limit).contains(progress.done), progress.total.map({ $0 >= 0 }) ?? true else {
                throw Violation("an impossible progress")
            }
            if refusal == nil { download?.onProgress?(progress.done, progress.total) }
            return .nothing
        case .data:
            let limit = download == nil ? request.limit : DownloadProgram.complaintLimit
            guard Int64(body.count + frame.payload.count) <= limit else { throw Violation("a body without end") }
            body += frame.payload
            return .nothing
        case .finished:
            var response = try response(of: frame)
            guard refusal != nil || isWritten(response) else { throw Violation("a file of another size") }
            response.body = body
            return .end(refusal.map { .failure($0) } ?? .success(response))
        case .failed:
            let failure = try message(frame, DownloadFailure.self)
            return .end(.failure(refusal ?? failure.error))
        case .start, .proceed, .cancel, .trace:
            throw Violation("a frame in the wrong direction")
        }
    }

    /// Whether the file is what the program says of it.
    private func isWritten(_ response: HTTPResponse) -> Bool {
        guard let download, request.method != .head, response.status == 200 || response.status == 206 else {
            return true
        }
        let size = try? FileSystem.status(of: download.file).size
        return size == response.length && response.length <= request.limit
    }

    private func response(of frame: DownloadFrame) throws -> HTTPResponse {
        let response = try message(frame, HTTPResponse.self)
        guard (100...599).contains(response.status), response.body.isEmpty, response.length >= 0,
            response.url.hasPrefix("https://") || (response.url.hasPrefix("http://") && request.allowsPlainHTTP)
        else { throw Violation("an impossible answer") }
        return response
    }

    private func message<Message: Decodable>(_ frame: DownloadFrame, _ type: Message.Type) throws -> Message {
        do {
            return try frame.message(type)
        } catch {
            throw Violation("a message that cannot be read")
        }
    }
}
