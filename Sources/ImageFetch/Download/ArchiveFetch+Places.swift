// Copyright the rkt-swift authors
// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import ImageStore

extension ArchiveFetch {
    /// One of the archives that are wanted, on its way from place to place.
    private struct Attempt {
        let index: Int
        var request: ArchiveRequest
        /// What was wrong with earlier places.
        var failures: [(url: String, error: any Error)] = []
    }

    /// Gets archives, each with a result of its own. When a place fails, the next one of the same image is asked.
    func images(_ requests: [ArchiveRequest]) -> [Result<StoredImage, any Error>] {
        var results = [Result<StoredImage, any Error>?](repeating: nil, count: requests.count)
        var open = requests.enumerated().map { Attempt(index: $0.offset, request: $0.element) }
        var got: [String: StoredImage] = [:]
        while !open.isEmpty {
            // A download waits for whoever else is at its URL, and that must not be another one of this round.
            var urls: Set<String> = []
            var round: [Attempt] = []
            var rest: [Attempt] = []
            for attempt in open {
                let url = attempt.request.url
                if let image = got[url], isWanted(image, attempt.request) {
                    results[attempt.index] = .success(image)
                } else if urls.insert(url).inserted {
                    round.append(attempt)
                } else {
                    rest.append(attempt)
                }
            }
            open = rest
            for (var attempt, result) in zip(round, once(round.map(\.request))) {
                switch result {
                case .success(let image):
                    got[attempt.request.url] = image
                    results[attempt.index] = result
                case .failure(let error):
                    attempt.failures.append((attempt.request.url, error))
                    if ArchiveFetch.isOfPlace(error), let next = attempt.request.next {
                        web.note("\(attempt.request.url) has not given the image, trying \(next.url): \(error)")
                        attempt.request = next
                        open.append(attempt)
                    } else {
                        results[attempt.index] = .failure(ArchiveFetch.summary(attempt.failures, error))
                    }
                }
            }
        }
        return results.map { $0 ?? .failure(RuntimeError(.internal, "a download was forgotten")) }
    }

    private func isWanted(_ image: StoredImage, _ request: ArchiveRequest) -> Bool {
        (try? request.demand.check(store.manifest(of: image), image.fullID, from: request.url)) != nil
    }

    /// Whether another place may fare better: a full disk is the same for all of them.
    private static func isOfPlace(_ error: any Error) -> Bool {
        guard let code = (error as? RuntimeError)?.code else { return false }
        return code != .internal && code != .busy
    }

    /// What to say when all places have failed.
    private static func summary(_ failures: [(url: String, error: any Error)], _ last: any Error) -> any Error {
        guard failures.count > 1 else { return last }
        let code = (failures[0].error as? RuntimeError)?.code ?? .internal
        let texts = failures.map { "\($0.url): \($0.error)" }
        return RuntimeError(
            code, "none of the \(failures.count) places that discovery has found gives the image",
            cause: RuntimeError(code, texts.joined(separator: "; ")))
    }
}
