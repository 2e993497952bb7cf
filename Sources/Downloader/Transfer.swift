// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import LinuxPlatform
import struct NIOCore.ByteBuffer
import SystemPackage

/// One request until its end: attempts, and the body of the last one.
struct Transfer {
    private enum Outcome {
        case done(HTTPResponse)
        /// The same once more at once, for the whole resource.
        case anew
        /// Once more after a while.
        case later(HTTPResponse, milliseconds: Int?)
    }

    private let id: UInt32
    private let request: HTTPRequest
    private let exchange: Exchange
    private let table: RequestTable
    private var partial: PartialFile?
    /// Whether rkt has agreed to what the file has.
    private var isAgreed = false
    private var progressTime = 0

    init(_ id: UInt32, _ start: DownloadStart, _ file: FileDescriptor?, _ pool: ClientPool, _ table: RequestTable) {
        var request = start.request
        request.body = Array(start.body)
        self.id = id
        self.request = request
        self.table = table
        let channel = table.channel
        exchange = Exchange(request: request, pool: pool) { channel.trace(id, $0) }
        if request.method != .head {
            partial = file.map { PartialFile($0, offset: start.offset, validator: start.validator) }
        }
    }

    mutating func run() async throws(TransferFailure) -> HTTPResponse {
        var attempt = 1
        while true {
            var delay = Backoff.delay(after: attempt)
            let reason: String
            do throws(TransferFailure) {
                switch try await tryOnce(isLast: attempt >= request.attempts) {
                case .done(let response): return response
                case .anew: continue
                case .later(let response, let milliseconds):
                    reason = "status \(response.status)"
                    delay = max(delay, milliseconds ?? 0)
                }
            } catch {
                guard error.isTransient, attempt < request.attempts else { throw error }
                reason = error.failure.reason
            }
            attempt += 1
            exchange.trace("attempt \(attempt) of \(request.attempts) in \(delay) ms: \(reason)")
            do { try await Task.sleep(for: .milliseconds(delay)) } catch { throw .cancelled }
        }
    }

    private mutating func tryOnce(isLast: Bool) async throws(TransferFailure) -> Outcome {
        let range = partial?.fields ?? []
        let answer = try await exchange.run(range)
        let head = answer.head
        switch head.status {
        case 206:
            guard !range.isEmpty else { throw refuse(answer, "the server has sent a part that nobody has asked for") }
            if let problem = partial?.resume(head) { throw refuse(answer, "the server has sent \(problem)") }
            return .done(try await store(answer))
        case 200 where partial != nil:
            if let tag = head["Content-Range"] { throw refuse(answer, "the server calls the range \(tag) the whole") }
            partial?.begin(head, length: answer.length)
            isAgreed = false
            return .done(try await store(answer))
        case 416 where !range.isEmpty:
            guard let partial, partial.isComplete(head) else {
                self.partial?.beginAnew()
                return .anew
            }
            var complete = head
            complete.status = 206
            complete.length = partial.have
            try await agree(complete)
            return .done(complete)
        case let status where Backoff.isTransient(status) && !isLast:
            let delay = Backoff.delay(askedBy: head)
            guard delay ?? 0 <= Backoff.patience else { return .done(try await collect(answer)) }
            return .later(head, milliseconds: delay)
        default:
            return .done(try await collect(answer))
        }
    }

    private func refuse(_ answer: Exchange.Answer, _ reason: String) -> TransferFailure {
        answer.circumstances.cannotGet(.answer, reason, isTransient: false)
    }

    private mutating func agree(_ head: HTTPResponse) async throws(TransferFailure) {
        guard !isAgreed else { return }
        guard await table.offer(id, head) else { throw .cancelled }
        isAgreed = true
    }

    // MARK: - Bodies

    /// Writes a body to the file.
    private mutating func store(_ answer: Exchange.Answer) async throws(TransferFailure) -> HTTPResponse {
        guard var partial else { throw .cancelled }
        defer { self.partial = partial }
        var head = answer.head
        head.length = partial.have
        let size = partial.total ?? answer.length.map { partial.have + $0 }
        if let size, size > request.limit { throw tooLarge(answer, size) }
        try await agree(head)
        let end = answer.length.map { partial.have + $0 }
        do {
            try partial.cut()
            var pace = Pace(request, answer.circumstances)
            for try await buffer in answer.response.body {
                try pace.note(buffer.readableBytes)
                guard partial.have + Int64(buffer.readableBytes) <= request.limit else { throw tooLarge(answer, nil) }
                try partial.append(buffer)
                report(partial, isLast: false)
            }
        } catch let error as Errno {
            throw TransferFailure(
                .file, "cannot write what \"\(answer.circumstances.url)\" sends: \(error.text)")
        } catch {
            throw TransferFailure(error, answer.circumstances)
        }
        guard partial.have == partial.total ?? end ?? partial.have else {
            throw answer.circumstances.cannotGet(
                .connection, "only \(partial.have) of \(partial.total ?? end ?? 0) bytes have come", isTransient: true)
        }
        report(partial, isLast: true)
        head.length = partial.have
        return head
    }

    /// Tells rkt how far the file has come, ten times a second at most.
    private mutating func report(_ partial: PartialFile, isLast: Bool) {
        let now = Clock.milliseconds
        guard isLast || now - progressTime >= 100 else { return }
        progressTime = now
        table.channel.send(.progress, id, DownloadProgress(done: partial.have, total: partial.total))
    }

    /// Reads a body into memory. One that only explains why there is no other is cut off.
    private func collect(_ answer: Exchange.Answer) async throws(TransferFailure) -> HTTPResponse {
        let isExplanation = partial != nil || answer.head.status >= 300
        let limit = isExplanation ? min(request.limit, DownloadProgram.complaintLimit) : request.limit
        var head = answer.head
        guard request.method != .head else { return head }
        if !isExplanation, let size = answer.length, size > limit { throw tooLarge(answer, size) }
        do {
            var pace = Pace(request, answer.circumstances)
            for try await buffer in answer.response.body {
                try pace.note(buffer.readableBytes)
                let room = limit - Int64(head.body.count)
                if Int64(buffer.readableBytes) > room {
                    guard isExplanation else { throw tooLarge(answer, nil) }
                    head.body += buffer.readableBytesView.prefix(Int(room))
                    break
                }
                head.body += buffer.readableBytesView
            }
        } catch {
            throw TransferFailure(error, answer.circumstances)
        }
        head.length = Int64(head.body.count)
        return head
    }

    private func tooLarge(_ answer: Exchange.Answer, _ size: Int64?) -> TransferFailure {
        let size = size.map { " of \($0) bytes" } ?? ""
        let remedy = request.limitRemedy.isEmpty ? "" : "; \(request.limitRemedy)"
        return refuse(answer, "its body\(size) is larger than the \(request.limit) bytes that are allowed\(remedy)")
    }
}
