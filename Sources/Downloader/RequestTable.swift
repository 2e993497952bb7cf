// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import HTTPTransport
import LinuxPlatform
import Synchronization
import SystemPackage

/// The requests that are under way.
final class RequestTable: Sendable {
    /// What the channel's reader knows of a request.
    private struct Entry {
        var task: Task<Void, Never>?
        /// Continued when rkt has said whether it wants an answer.
        var asker: CheckedContinuation<Bool, Never>?
        var isCancelled = false
    }

    let channel: DownloadChannel
    private let clients = ClientPool()
    private let entries = Mutex<[UInt32: Entry]>([:])

    init(_ channel: DownloadChannel) { self.channel = channel }

    func start(_ id: UInt32, _ start: DownloadStart, _ file: FileDescriptor?) throws {
        try entries.withLock { entries in
            guard entries[id] == nil, entries.count < Downloader.concurrency else {
                throw RuntimeError(.invalidArgument, "too many requests have come")
            }
            entries[id] = Entry()
        }
        let task = Task.detached { await self.perform(id, start, file) }
        entries.withLock { $0[id]?.task = task }
    }

    private func perform(_ id: UInt32, _ start: DownloadStart, _ file: FileDescriptor?) async {
        let result: Result<HTTPResponse, DownloadFailure>
        do throws(TransferFailure) {
            var transfer = Transfer(id, start, file, clients, self)
            result = .success(try await transfer.run())
        } catch {
            result = .failure(isCancelled(id) ? DownloadFailure(.cancelled, "nobody wants the answer") : error.failure)
        }
        // rkt may use the file as soon as it has heard of the end.
        try? file?.close()
        entries.withLock { $0[id] = nil }
        switch result {
        case .success(var response):
            channel.send(body: response.body, id)
            response.body = []
            channel.send(.finished, id, response)
        case .failure(let failure): channel.send(.failed, id, failure)
        }
    }

    /// Tells rkt of an answer and waits until it has said whether the body may be written.
    func offer(_ id: UInt32, _ response: HTTPResponse) async -> Bool {
        await withCheckedContinuation { continuation in
            let isCancelled = entries.withLock { entries in
                if entries[id]?.isCancelled ?? true { return true }
                entries[id]?.asker = continuation
                return false
            }
            if isCancelled { return continuation.resume(returning: false) }
            channel.send(.answer, id, response)
        }
    }

    func proceed(_ id: UInt32) { answer(id, true) }

    func cancel(_ id: UInt32) {
        let task = entries.withLock { entries in
            entries[id]?.isCancelled = true
            return entries[id]?.task
        }
        answer(id, false)
        task?.cancel()
    }

    private func isCancelled(_ id: UInt32) -> Bool { entries.withLock { $0[id]?.isCancelled ?? false } }

    private func answer(_ id: UInt32, _ proceeds: Bool) {
        let asker = entries.withLock { entries in
            defer { entries[id]?.asker = nil }
            return entries[id]?.asker
        }
        asker?.resume(returning: proceeds)
    }
}
