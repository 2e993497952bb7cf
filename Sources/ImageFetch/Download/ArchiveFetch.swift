// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import AppContainer
import Diagnostics
import HTTPTransport
import ImageArchive
import ImageStore
import LinuxPlatform
import SystemPackage

/// Gets archives from web servers into the store: several at once, what is there already not again.
struct ArchiveFetch {
    let web: WebAccess
    let store: ImageStore
    /// Nil when images need no signature.
    let verifier: (any ImageVerifier)?
    let progress: Progress?
    /// Gets what a user should be told in any case.
    let tell: @Sendable (String) -> Void

    /// The largest signature.
    static let signatureLimit: Int64 = 1 << 20

    /// What there is to do for one request.
    private enum Step {
        /// The store's image will do.
        case done(StoredImage)
        case download(Job)
    }

    private struct Job {
        let request: ArchiveRequest
        let partial: PartialDownload
        let known: (image: StoredImage, origin: StoredOrigin)?
        /// Nil when none is needed, or the server wants to be asked later.
        var signature: [UInt8]?
    }

    /// Gets archives of different URLs at once, each with a result of its own.
    func once(_ requests: [ArchiveRequest]) -> [Result<StoredImage, any Error>] {
        PartialDownload.removeStale(in: store.layout.temporary)
        var results = [Result<StoredImage, any Error>?](repeating: nil, count: requests.count)
        var jobs: [(index: Int, job: Job)] = []
        // In one order in all processes, for each waits for the other's.
        let order = requests.indices.sorted {
            PartialDownload.key(requests[$0].url) < PartialDownload.key(requests[$1].url)
        }
        for index in order {
            do {
                switch try plan(requests[index]) {
                case .done(let image): results[index] = .success(image)
                case .download(let job): jobs.append((index, job))
                }
            } catch {
                results[index] = .failure(error)
            }
        }
        for (place, result) in zip(jobs.map(\.index), run(jobs.map(\.job))) { results[place] = result }
        return results.map { $0 ?? .failure(RuntimeError(.internal, "a download was forgotten")) }
    }

    // MARK: - Before

    private func plan(_ request: ArchiveRequest) throws -> Step {
        web.note("remote fetching from URL \"\(request.url)\"")
        let point = DistributionPoint.archive(url: request.url).canonical
        if let known = try usable(point, request), isFresh(known.origin, request.url) { return .done(known.image) }
        _ = try web.request(request.url, limit: 0)
        let partial = try PartialDownload(request.url, in: store.layout.temporary) {
            web.note("waiting for another process that is downloading \(request.url)")
        }
        do {
            // Somebody else may just have got it.
            let known = try usable(point, request)
            if let known, isFresh(known.origin, request.url) {
                partial.discard()
                return .done(known.image)
            }
            let signature = verifier == nil ? nil : try self.signature(request)
            return .download(Job(request: request, partial: partial, known: known, signature: signature))
        } catch {
            partial.close()
            throw error
        }
    }

    /// The store's image from there, if it is what is asked for.
    private func usable(
        _ point: String, _ request: ArchiveRequest
    ) throws -> (image: StoredImage, origin: StoredOrigin)? {
        guard let known = try store.image(from: point),
            FileSystem.exists(store.layout.blob(for: known.image.id)),
            (try? request.demand.check(store.manifest(of: known.image), known.image.fullID, from: request.url)) != nil
        else { return nil }
        return known
    }

    private func isFresh(_ origin: StoredOrigin, _ url: String) -> Bool {
        // A clock set back must not make a copy last longer.
        let now = Time.now()
        guard now < origin.freshUntil, now >= origin.checked else { return false }
        web.note("image for \(url) isn't expired, not fetching.")
        return true
    }

    /// The signature; nil when the server wants to be asked after the image has been fetched.
    private func signature(_ request: ArchiveRequest) throws -> [UInt8]? {
        switch request.signature {
        case .file(let path): return try ArchiveFetch.signature(in: path)
        case .url(let url):
            web.note("downloading signature from \(url)")
            return try ArchiveFetch.wrapping(url) {
                let response = try web.get(url, limit: ArchiveFetch.signatureLimit)
                if response.status == 202 {
                    web.note("server requested deferring the signature download")
                    return nil
                }
                guard response.status == 200 else { throw ArchiveFetch.badStatus(response.status) }
                return response.body
            }
        }
    }

    static func signature(in path: FilePath) throws -> [UInt8] {
        do {
            // A fifo must not keep anybody waiting.
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            defer { try? file.close() }
            guard try FileSystem.status(of: file).type == .regular else {
                throw RuntimeError(.invalidArgument, "\(path) is not a regular file")
            }
            return try FileSystem.read(file, path, limit: Int(signatureLimit))
        } catch let error as Errno {
            let text = error == .noSuchFileOrDirectory ? "no such file or directory" : error.text
            throw RuntimeError(
                .notFound, "error opening signature file", cause: RuntimeError(.notFound, "open \(path): \(text)"))
        }
    }

    static func badStatus(_ status: Int) -> RuntimeError {
        RuntimeError(.notFound, "bad HTTP status code: \(status)")
    }

    private static func wrapping<Value>(_ url: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw RuntimeError(
                .untrusted, "error downloading the signature file",
                cause: RuntimeError(.untrusted, "cannot get \(url): \(error)"))
        }
    }

    // MARK: - Downloading

    private func run(_ jobs: [Job]) -> [Result<StoredImage, any Error>] {
        guard !jobs.isEmpty else { return [] }
        let watch = progress.map { CombinedProgress($0, urls: jobs.map(\.request.url)) }
        let downloads = jobs.enumerated().map { index, job in
            Result { try download(job, offset: job.partial.offset) { watch?.report(index, $0, $1) } }
        }
        for job in jobs { web.note("fetching image from \(job.request.url)") }
        let answers: [Result<HTTPResponse, any Error>]
        do {
            defer { watch?.end() }
            answers = try web.transport.download(downloads.map { try $0.get() })
        } catch {
            for job in jobs { job.partial.close() }
            return jobs.map { _ in .failure(error) }
        }
        return zip(jobs, answers).map { job, answer in Result { try finish(job, answer) } }
    }

    private func download(
        _ job: Job, offset: Int64, onProgress: @escaping @Sendable (Int64, Int64?) -> Void
    ) throws -> Download {
        var fields: [HTTPField] = []
        if let tag = job.known?.origin.entityTag { fields.append(HTTPField("If-None-Match", tag)) }
        let most = store.limits.fileBytes
        let limit = min(job.request.limit ?? most, most)
        let recorder = job.partial.recorder
        let url = job.request.url
        var request = try web.request(url, limit: limit, fields: fields)
        if limit == most { request.limitRemedy = ArchiveLimits.remedy("imageSize") }
        return Download(
            request, to: job.partial.file, offset: offset,
            validator: offset > 0 ? job.partial.validator : nil,
            onResponse: { response in
                try ArchiveFetch.refusePages(response, url)
                // What follows an earlier part belongs to the same state of the resource.
                if response.status == 200 { try recorder.record(response) }
            }, onProgress: onProgress)
    }

    /// A page is what servers answer with that want a login, or whose operators forgot the status 404.
    private static func refusePages(_ response: HTTPResponse, _ url: String) throws {
        let type = response["Content-Type"]?.lowercased().prefix { $0 != ";" && $0 != " " } ?? ""
        guard type != "text/html", type != "application/xhtml+xml" else {
            throw RuntimeError(
                .invalidArgument,
                "\(url) is a web page (\(type)), not an image; look at it with a browser to see what it asks for")
        }
    }

    private func finish(_ job: Job, _ answer: Result<HTTPResponse, any Error>) throws -> StoredImage {
        // A failed download is left for the next one.
        defer { job.partial.close() }
        var response = try answer.get()
        if response.status == 416, job.partial.offset > 0 {
            // What is there is not what the server has.
            response = try anew(job)
        }
        switch response.status {
        case 304:
            job.partial.discard()
            guard let known = job.known else { throw ArchiveFetch.badStatus(304) }
            web.note("using image from local store for url \(job.request.url)")
            try noteOrigin(job.request, known.image, response, known.origin.entityTag)
            return known.image
        case 200, 206:
            do {
                let image = try take(job)
                try noteOrigin(job.request, image, response, nil)
                job.partial.discard()
                return image
            } catch {
                job.partial.discard()
                throw error
            }
        default:
            if response.status == 404 || response.status == 410 { job.partial.discard() }
            throw ArchiveFetch.badStatus(response.status)
        }
    }

    private func anew(_ job: Job) throws -> HTTPResponse {
        job.partial.cut()
        let answers = try web.transport.download([download(job, offset: 0) { _, _ in }])
        guard let answer = answers.first else { throw RuntimeError(.internal, "a download was forgotten") }
        return try answer.get()
    }

    // MARK: - After

    /// Puts a complete download into the store, if it is what was asked for and signed rightly.
    private func take(_ job: Job) throws -> StoredImage {
        let file = try job.partial.openForReading()
        defer { try? file.close() }
        return try SignedImport(store: store, verifier: verifier, note: web.note, tell: tell).image(
            from: file, name: job.request.url, demand: job.request.demand, isLatest: job.request.isLatest
        ) {
            if let signature = job.signature { return signature }
            guard let signature = try signature(job.request) else {
                guard case .url(let url) = job.request.signature else { return [] }
                throw RuntimeError(
                    .untrusted, "error downloading the signature file",
                    cause: RuntimeError(.untrusted, "the server still wants to be asked later for \(url)"))
            }
            return signature
        }
    }

    private func noteOrigin(
        _ request: ArchiveRequest, _ image: StoredImage, _ response: HTTPResponse, _ entityTag: String?
    ) throws {
        let rules = CacheRules(response)
        let now = Time.now()
        let origin = StoredOrigin(
            point: DistributionPoint.archive(url: request.url).canonical, entityTag: rules.entityTag ?? entityTag,
            freshUntil: rules.lifetime > 0 ? now + rules.lifetime * 1_000_000_000 : 0, checked: now)
        try store.note(origin, of: image)
        if let name = request.demand.name {
            try store.note(StoredOrigin(point: DistributionPoint.appc(name).canonical, checked: now), of: image)
        }
    }
}
